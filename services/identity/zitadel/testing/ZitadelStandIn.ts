/**
 * A Zitadel for tests: its documented paths, statuses and refusals over real HTTP, and a memory of what it was told. What
 * it does not know it refuses, so that a wrong path or field is found.
 */
import { createHash, randomBytes } from "node:crypto"
import { createServer, type IncomingMessage } from "node:http"
import * as Effect from "effect/Effect"
import { importSPKI, jwtVerify } from "jose"
import { type Answer, answered, newWorld, refused, type StandInWorld } from "./StandInWorld.ts"
import { type Call, management, searchOrganizations } from "./standInManagement.ts"
import { actions, searchUsers } from "./standInVersion2.ts"

export interface ZitadelStandIn {
  readonly url: URL
  readonly world: StandInWorld
}

const noRoute = refused("notFound", "Not Found")
const noPermission = refused("permissionDenied", "No matching permissions found", "AUTH-5mWD2")

/** One on a free port, for as long as the scope lives. */
export const zitadelStandIn = Effect.gen(function* () {
  const world = newWorld()
  const server = createServer((request, response) => {
    answer(world, `http://${request.headers.host}`, request).then(
      ({ status, body }) => {
        response.writeHead(status, { "content-type": "application/json" })
        response.end(JSON.stringify(body))
      },
      (error: unknown) => {
        response.writeHead(500, { "content-type": "text/plain" })
        response.end(String(error))
      },
    )
  })
  yield* Effect.acquireRelease(
    Effect.callback<void>((resume) => void server.listen(0, "127.0.0.1", () => resume(Effect.void))),
    () =>
      Effect.callback<void>((resume) => {
        server.close(() => resume(Effect.void))
        server.closeAllConnections()
      }),
  )
  const address = server.address()
  const port = typeof address === "object" && address !== null ? address.port : 0
  const made: ZitadelStandIn = { url: new URL(`http://127.0.0.1:${port}`), world }
  return made
})

const answer = async (world: StandInWorld, origin: string, request: IncomingMessage): Promise<Answer> => {
  const { method = "", url = "", headers } = request
  const path = url.split("?")[0] ?? ""
  const organization = String(headers["x-zitadel-orgid"] ?? "")
  const name = [method, path, organization].join(" ").trim()
  world.calls.push(name)
  const text = await textOf(request)
  const trouble = world.troubles.find(({ at, left }) => left > 0 && at.test(name))
  if (trouble !== undefined) {
    trouble.left -= 1
    return { status: trouble.status, body: { code: 14, message: "trouble", details: [] } }
  }
  if (name === "POST /oauth/v2/token") return tokenFor(world, origin, new URLSearchParams(text))
  const rights = rightsOf(world, headers.authorization)
  if (rights === "none") return refused("unauthenticated", "auth header missing")
  if (rights === "invalid") return refused("unauthenticated", "Errors.Token.Invalid", "AUTH-7fs1e")
  const parsed = parse(text)
  if (parsed === undefined) return refused("invalidArgument", "proto: syntax error (line 1:1): unexpected token")
  return routed({ method, path, body: parsed, world }, organization, rights)
}

type Rights = "instance" | { readonly organization: string }

const rightsOf = (world: StandInWorld, header: string | undefined): Rights | "none" | "invalid" => {
  if (header === undefined) return "none"
  return world.tokens.get(header.replace(/^Bearer /, "")) ?? "invalid"
}

/** Permissions as of IAM_OWNER for the instance, and of ORG_OWNER for one organisation. */
const routed = (call: Call, organization: string, rights: Rights): Answer => {
  const may = (id: string) => rights === "instance" || rights.organization === id
  const { method, path, world } = call
  if (path.startsWith("/management/v1/")) {
    const [first] = world.organizations.keys()
    const meant = organization === "" ? (rights === "instance" ? (first ?? "") : rights.organization) : organization
    const found = world.organizations.get(meant)
    if (found === undefined) return refused("permissionDenied", "Organisation doesn't exist", "AUTH-Bs7Ds")
    if (!may(meant)) return noPermission
    return management(call, found) ?? noRoute
  }
  if (`${method} ${path}` === "POST /v2/users") return searchUsers(call, may)
  if (path.startsWith("/v2/actions/") && !world.hasVersion2) return noRoute
  if (rights !== "instance") return noPermission
  if (`${method} ${path}` === "POST /admin/v1/orgs/_search") return searchOrganizations(call)
  return (path.startsWith("/v2/actions/") ? actions(call) : undefined) ?? noRoute
}

/** RFC 7523, with the service account's key and our own address as audience. */
const tokenFor = async (world: StandInWorld, origin: string, form: URLSearchParams): Promise<Answer> => {
  const invalid: Answer = { status: 400, body: { error: "invalid_request" } }
  if (form.get("grant_type") !== "urn:ietf:params:oauth:grant-type:jwt-bearer") return invalid
  const assertion = form.get("assertion") ?? ""
  const [head = ""] = assertion.split(".")
  const { kid } = Object(parse(Buffer.from(head, "base64url").toString()))
  const account = world.serviceAccounts.get(String(kid))
  if (account === undefined) return invalid
  const key = await importSPKI(account.publicKey, "RS256")
  const checks = { audience: origin, issuer: account.userId, subject: account.userId }
  const accepted = await jwtVerify(assertion, key, checks).then(
    () => true,
    () => false,
  )
  if (!accepted || !(form.get("scope") ?? "").includes("zitadel:aud")) return invalid
  const token = createHash("sha256").update(randomBytes(16)).digest("hex")
  world.tokens.set(token, "instance")
  return answered({ access_token: token, token_type: "Bearer", expires_in: 43_199 })
}

const textOf = async (request: IncomingMessage): Promise<string> => {
  const pieces: Array<Buffer> = []
  for await (const piece of request) pieces.push(piece)
  return Buffer.concat(pieces).toString()
}

const parse = (text: string): Readonly<Record<string, unknown>> | undefined => {
  try {
    return Object(text === "" ? {} : JSON.parse(text))
  } catch {
    return undefined
  }
}
