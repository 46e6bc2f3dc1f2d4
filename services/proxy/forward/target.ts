/** Where a customer's request wants to go: `/v1/{applicationId}/…` taken apart. */

export interface Target {
  readonly applicationId: string
  /** Path and query at the instance, as they came; undefined where they may not be passed on. */
  readonly path: string | undefined
}

const prefix = "/v1/"

/** Whether the path is a customer's at all. */
export const isCustomerPath = (url: string): boolean => url.startsWith(prefix)

/** Takes a customer's path apart. `/v1/{id}` and `/v1/{id}?…` are the root of the instance. */
export const parseTarget = (url: string): Target => {
  const slash = url.indexOf("/", prefix.length)
  const mark = url.indexOf("?", prefix.length)
  const pathEnd = mark === -1 ? url.length : mark
  const idEnd = slash === -1 || slash > pathEnd ? pathEnd : slash
  const pathname = idEnd === pathEnd ? "/" : url.slice(idEnd, pathEnd)
  const query = url.slice(pathEnd)
  return {
    applicationId: url.slice(prefix.length, idEnd),
    path: isPlainPath(pathname) && isPlainQuery(query) ? pathname + query : undefined,
  }
}

/** The characters of a path (RFC 3986, section 3.3), and of a query with its question mark (section 3.4, leniently). */
const pathCharacters = /^[A-Za-z0-9\-._~!$&'()*+,;=:@%/]+$/
const queryCharacters = /^[!-"$-~]*$/
/** What another program might read as a step out of the instance's root, or as another number of segments. */
const needsCare = /%|\/\.|\/\//

const isPlainQuery = (query: string): boolean => queryCharacters.test(query)

const isPlainPath = (path: string): boolean =>
  pathCharacters.test(path) && (!needsCare.test(path) || path.slice(1).split("/").every(isPlainSegment))

/** Only the last segment may be empty; none may hold a slash or a control character, or be a step, once it is decoded. */
const isPlainSegment = (segment: string, index: number, all: ReadonlyArray<string>): boolean => {
  if (segment === "") return index === all.length - 1
  const text = decoded(segment)
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is refused
  return text !== undefined && text !== "." && text !== ".." && !/[/\\\x00-\x1f\x7f]/.test(text)
}

const decoded = (segment: string): string | undefined => {
  try {
    return decodeURIComponent(segment)
  } catch {
    return undefined // a percent sign that begins no UTF-8 character
  }
}
