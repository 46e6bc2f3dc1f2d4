/** How callers of each access kind show who they are, as far as a caller is concerned. */
import type { JsonObject } from "@bufbuild/protobuf"
import type { AccessKind } from "../../Policy.ts"
import type { SecurityRequirement } from "./Document.ts"

export const securitySchemes: Readonly<Record<string, JsonObject>> = {
  user: { type: "http", scheme: "bearer", bearerFormat: "JWT", description: "The token that logging in returned." },
  apiKey: { type: "http", scheme: "bearer", description: "An API key of the application: `pk_…` or `sk_…`." },
  session: {
    type: "apiKey",
    in: "header",
    name: "X-AuthSome-Session",
    description: "The token of the end user's session.",
  },
  internalKey: {
    type: "apiKey",
    in: "header",
    name: "X-Internal-API-Key",
    description: "The key that the installation shares with the caller.",
  },
  signature: {
    type: "apiKey",
    in: "header",
    name: "Signature",
    description: "The vendor's signature over the body, in a header of the vendor's own that the operation names.",
  },
}

/** What a call must show; nothing: anybody may. */
export const securityOf = (access: AccessKind): ReadonlyArray<SecurityRequirement> => {
  switch (access) {
    case "PUBLIC":
      return []
    case "USER":
      return [{ user: [] }]
    case "INSTANCE_KEY":
      return [{ apiKey: [] }]
    case "SESSION":
      return [{ apiKey: [], session: [] }]
    case "ZITADEL":
      return [{ internalKey: [] }]
    case "SIGNED_WEBHOOK":
      return [{ signature: [] }]
    case "INTERNAL":
      throw new Error("what is internal to the mesh has no REST route")
  }
}
