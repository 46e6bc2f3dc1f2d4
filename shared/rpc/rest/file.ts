/** The headers with which a file is sent: to be stored under its name, and never to be taken for anything else. */

/** Throws where the content type is none (RFC 9110, section 8.3); empty, it is that of bytes of which nothing is known. */
export const fileHeaders = (contentType: string, name: string): Readonly<Record<string, string>> => {
  const type = contentType === "" ? "application/octet-stream" : contentType
  if (!mediaType.test(type)) throw new Error("the content type of a file is malformed")
  return {
    "content-type": type,
    "content-disposition": contentDisposition(name),
    "x-content-type-options": "nosniff",
  }
}

const mediaType = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+\/[!#$%&'*+.^_`|~0-9A-Za-z-]+(?: *;[ -~]*)?$/

/**
 * `attachment` with the file's name: in ASCII for whoever knows nothing else, and whole in UTF-8 where that is not the same
 * (RFC 6266, section 5; RFC 8187). What could lead out of a folder is no part of a name.
 */
export const contentDisposition = (name: string): string => {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is replaced
  const safe = name.toWellFormed().replaceAll(/[/\\\x00-\x1f\x7f]/g, "_")
  if (safe === "") return "attachment"
  const ascii = safe.replaceAll(/[^ -~]|["%]/gu, "_")
  const whole = ascii === safe ? "" : `; filename*=UTF-8''${encoded(safe)}`
  return `attachment; filename="${ascii}"${whole}`
}

/** Percent-encoded but for the characters of `attr-char` (RFC 8187, section 3.2.1). */
const encoded = (text: string): string =>
  encodeURIComponent(text).replaceAll(
    /['()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  )
