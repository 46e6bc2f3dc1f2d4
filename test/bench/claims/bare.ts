/** The least that gives out claims: node:http, one prepared statement of `pg`, and the key compared in constant time. */
import { hash, timingSafeEqual } from "node:crypto"
import { createServer } from "node:http"
import { createRequire } from "node:module"
import { tellReady } from "../child.ts"

interface Row {
  readonly id: string
  readonly username: string
  readonly email: string
  readonly email_verified: boolean
  readonly display_name: string | null
  readonly avatar_url: string | null
  readonly first_name: string | null
  readonly last_name: string | null
  readonly bio: string | null
  readonly location: string | null
  readonly phone_number: string | null
  readonly phone_verified: boolean
  readonly created_at: Date
  readonly updated_at: Date
}

interface Pg {
  readonly Pool: new (options: {
    readonly connectionString: string
    readonly max: number
  }) => {
    readonly query: (query: {
      readonly name: string
      readonly text: string
      readonly values: ReadonlyArray<string>
    }) => Promise<{ readonly rows: ReadonlyArray<Row> }>
  }
}

// The package has no types of its own, and only this one file uses it.
const { Pool }: Pg = createRequire(import.meta.url)("pg")

const [connectionString = "", key = ""] = process.argv.slice(2)
const pool = new Pool({ connectionString, max: 10 })

const text = `SELECT id, username, email, email_verified, display_name, avatar_url, first_name, last_name, bio, location,
  phone_number, phone_verified, created_at, updated_at FROM users WHERE id = $1 AND deleted_at IS NULL`

const prefix = "/internal/zitadel/user-claims/"
const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/
const digest = (value: string) => hash("sha256", value, "buffer")
const keyDigest = digest(key)
const seconds = (time: Date) => Math.floor(time.getTime() / 1000)

const claimsOf = (row: Row) => ({
  sub: row.id,
  preferred_username: row.username,
  name: row.display_name ?? row.username,
  email: row.email,
  email_verified: row.email_verified,
  picture: row.avatar_url,
  ...(row.first_name === null ? {} : { given_name: row.first_name }),
  ...(row.last_name === null ? {} : { family_name: row.last_name }),
  ...(row.bio === null ? {} : { bio: row.bio }),
  ...(row.location === null ? {} : { locale: row.location }),
  ...(row.phone_number === null ? {} : { phone_number: row.phone_number, phone_number_verified: row.phone_verified }),
  created_at: seconds(row.created_at),
  updated_at: seconds(row.updated_at),
})

const answer = async (path: string, given: string): Promise<readonly [number, unknown]> => {
  const id = path.slice(prefix.length)
  if (!path.startsWith(prefix) || !uuid.test(id)) return [400, { error: "invalid_user_id" }]
  if (!timingSafeEqual(digest(given), keyDigest)) return [401, { error: "unauthorized" }]
  const { rows } = await pool.query({ name: "claims", text, values: [id] })
  return rows[0] === undefined ? [404, { error: "user_not_found" }] : [200, claimsOf(rows[0])]
}

const server = createServer({ keepAliveTimeout: 65_000 }, (request, response) => {
  answer(request.url ?? "", String(request.headers["x-internal-api-key"] ?? "")).then(
    ([status, json]) => {
      const body = Buffer.from(JSON.stringify(json))
      response.writeHead(status, { "content-type": "application/json", "content-length": body.length }).end(body)
    },
    () => response.writeHead(500).end(),
  )
})

server.listen(0, "127.0.0.1", () => tellReady(server.address()))
