/** Names for addresses: lower-case letters, digits and single dashes, at most 50 characters. */

const maxLength = 50

/** The slug that a name suggests: "Café Zürich!" gives "cafe-zurich"; undefined where the name has no letter or digit of ASCII. */
export const slugOf = (name: string): string | undefined => {
  const words = name
    .normalize("NFKD")
    .replaceAll(/\p{M}/gu, "")
    .toLowerCase()
    .split(/[^a-z0-9]+/)
    .filter((word) => word !== "")
  const slug = words.join("-").slice(0, maxLength).replace(/-$/, "")
  return slug === "" ? undefined : slug
}

/** The slug with a suffix, for the case that the plain one is taken; stays within the limit. */
export const slugWith = (slug: string, suffix: string): string =>
  `${slug.slice(0, maxLength - suffix.length - 1).replace(/-$/, "")}-${suffix}`
