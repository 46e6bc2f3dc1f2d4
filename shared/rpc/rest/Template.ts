/**
 * Path templates of google.api.http: "/" Segments [ ":" Verb ], where a segment is a literal, "*", "**" or a variable
 * "{field.path=segments}" (google/api/http.proto, "Path template syntax"). Matching compares segments, so a literal
 * always wins over a variable and nothing backtracks.
 */

export interface Variable {
  readonly path: ReadonlyArray<string>
  /** The segments that the variable covers, by index; `to` is exclusive, and open for "**". */
  readonly from: number
  readonly to: number | undefined
}

export interface Template {
  readonly text: string
  /** A literal, "*" or, last of all, "**". */
  readonly segments: ReadonlyArray<string>
  readonly verb: string
  readonly variables: ReadonlyArray<Variable>
}

export const parseTemplate = (text: string): Template => {
  const colon = text.lastIndexOf(":")
  const verb = colon > Math.max(text.lastIndexOf("/"), text.lastIndexOf("}")) ? text.slice(colon + 1) : ""
  const body = verb === "" ? text : text.slice(0, colon)
  const segments: Array<string> = []
  const variables: Array<Variable> = []
  for (const [, variable, plain] of body.matchAll(/\/?(?:\{([^}]*)\}|([^/{]+))/g)) {
    const from = segments.length
    const [path = "", pattern = "*"] = variable === undefined ? ["", plain] : variable.split("=")
    segments.push(...pattern.split("/"))
    if (variable !== undefined) {
      variables.push({ path: path.split("."), from, to: pattern.endsWith("**") ? undefined : segments.length })
    }
  }
  return { text, segments, verb, variables }
}

/**
 * The values of the template's variables in a path, percent-decoded, but for "%2F" in those of several segments
 * (google/api/http.proto); undefined where the path does not match.
 */
export const matchTemplate = (template: Template, path: ReadonlyArray<string>): ReadonlyArray<string> | undefined => {
  const segments = template.verb === "" ? path : withoutVerb(path, template.verb)
  if (segments === undefined) return undefined
  const open = template.segments.at(-1) === "**"
  const fixed = open ? template.segments.length - 1 : template.segments.length
  if (open ? segments.length < fixed : segments.length !== fixed) return undefined
  for (let i = 0; i < fixed; i++) {
    const wanted = template.segments[i]
    const given = segments[i]
    if (given === "" || (wanted !== "*" && wanted !== given)) return undefined
  }
  return template.variables.map(({ from, to }) => {
    const covered = segments.slice(from, to)
    return covered.map(to === from + 1 ? decodeSegment : decodeButSlash).join("/")
  })
}

const withoutVerb = (path: ReadonlyArray<string>, verb: string): ReadonlyArray<string> | undefined => {
  const last = path.at(-1) ?? ""
  return last.endsWith(`:${verb}`) ? [...path.slice(0, -1), last.slice(0, -verb.length - 1)] : undefined
}

const decodeSegment = (segment: string): string => {
  try {
    return decodeURIComponent(segment)
  } catch {
    return segment // not percent-encoding: the text itself, which the field's rule then judges
  }
}

/** A slash within one of several segments stays as it was sent, or it would look like the end of its segment. */
const decodeButSlash = (segment: string): string =>
  segment
    .split(/(%2f)/i)
    .map((part, index) => (index % 2 === 1 ? part : decodeSegment(part)))
    .join("")

/** Literals before variables, longer before shorter: the order in which templates are tried. */
export const bySpecificity = (a: Template, b: Template): number =>
  literals(b) - literals(a) || b.segments.length - a.segments.length

const literals = (template: Template): number =>
  template.segments.filter((segment) => !segment.startsWith("*")).length + (template.verb === "" ? 0 : 1)
