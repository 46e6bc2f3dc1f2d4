/** Pieces of configuration whose errors name the variable and say what was expected, never what was found. */
import * as Config from "effect/Config"
import type * as Duration from "effect/Duration"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"

const isUrl = (protocols: ReadonlyArray<string>) => (text: string) =>
  URL.canParse(text) && protocols.includes(new URL(text).protocol.replace(/:$/, ""))

const urlText = (protocols: ReadonlyArray<string>) =>
  Schema.String.check(
    Schema.makeFilter(isUrl(protocols), {
      expected: `a URL that begins with ${protocols.map((protocol) => `${protocol}://`).join(" or ")}`,
    }),
  )

/** A URL of one of these protocols (without colon), such as `url("CONTROL_PLANE_URL", ["http", "https"])`. */
export const url = (name: string, protocols: ReadonlyArray<string>): Config.Config<URL> =>
  Config.map(Config.schema(urlText(protocols), name), (text) => new URL(text))

/** A URL that may carry a password: kept as text out of every log. */
export const redactedUrl = (name: string, protocols: ReadonlyArray<string>): Config.Config<Redacted.Redacted<string>> =>
  Config.map(Config.schema(urlText(protocols), name), (text) => Redacted.make(text, { label: name }))

/** `DATABASE_URL`. */
export const databaseUrl: Config.Config<Redacted.Redacted<string>> = redactedUrl("DATABASE_URL", [
  "postgres",
  "postgresql",
])

/** `REDIS_URL`. */
export const redisUrl: Config.Config<Redacted.Redacted<string>> = redactedUrl("REDIS_URL", ["redis", "rediss"])

/** `NATS_URL`: one server, or several separated by commas. */
export const natsUrl: Config.Config<Redacted.Redacted<string>> = Config.schema(
  Schema.String.check(
    Schema.makeFilter((text) => text.split(",").every(isUrl(["nats", "tls"])), {
      expected: "URLs that begin with nats:// or tls://, separated by commas",
    }),
  ),
  "NATS_URL",
).pipe(Config.map((text) => Redacted.make(text, { label: "NATS_URL" })))

const PortText = Schema.String.check(
  Schema.makeFilter((text) => /^\d{1,5}$/.test(text) && Number(text) <= 65_535, { expected: "a port, 0 to 65535" }),
)

/** A TCP port, 0 (any free one) to 65535; the default where the variable is unset. */
export const port = (name: string, otherwise: number): Config.Config<number> =>
  Config.schema(PortText, name).pipe(Config.map(Number), Config.withDefault(otherwise))

/** A secret of at least `length` characters. */
export const secret = (name: string, length = 16): Config.Config<Redacted.Redacted<string>> =>
  Config.schema(
    Schema.String.check(
      Schema.makeFilter((text) => text.length >= length, { expected: `at least ${length} characters` }),
    ),
    name,
  ).pipe(Config.map((text) => Redacted.make(text, { label: name })))

/** Secrets that are valid at the same time, separated by commas, such as an old one and the one that replaces it. */
export const secrets = (name: string, length = 16): Config.Config<ReadonlyArray<Redacted.Redacted<string>>> => {
  const parts = (text: string) => text.split(",").map((part) => part.trim())
  const expected = `one secret, or several separated by commas, of at least ${length} characters each`
  return Config.schema(
    Schema.String.check(Schema.makeFilter((text) => parts(text).every((part) => part.length >= length), { expected })),
    name,
  ).pipe(Config.map((text) => parts(text).map((part) => Redacted.make(part, { label: name }))))
}

/** A duration such as `30 seconds`; the default where the variable is unset. */
export const duration = (name: string, otherwise: Duration.Duration): Config.Config<Duration.Duration> =>
  Config.Duration(name).pipe(Config.withDefault(otherwise))
