/** How tests ask for claims as Zitadel's action does. */
import { request } from "../../testing/TestClient.ts"
import { zitadelKey } from "../../testing/TestIdentity.ts"

/** The answer of the claims route; with the right key unless another, or none (null), is given. */
export const claims = (id: string, key: string | null = zitadelKey) =>
  request("GET", `/internal/zitadel/user-claims/${id}`, {
    headers: key === null ? {} : { "x-internal-api-key": key },
  })
