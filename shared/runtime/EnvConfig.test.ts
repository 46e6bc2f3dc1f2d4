import { assert, it } from "@effect/vitest"
import type * as Config from "effect/Config"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { configSentence } from "./configSentence.ts"
import { natsUrl, port, redactedUrl, secret, url } from "./EnvConfig.ts"

const read = <A>(config: Config.Config<A>, environment: Record<string, string>) =>
  Effect.provideService(
    Effect.catch(config, configSentence),
    ConfigProvider.ConfigProvider,
    ConfigProvider.fromEnv({ env: environment }),
  )

it.effect("what is well formed is read", () =>
  Effect.gen(function* () {
    assert.deepStrictEqual(
      yield* read(url("API", ["http", "https"]), { API: "https://host/x" }),
      new URL("https://host/x"),
    )
    assert.strictEqual(yield* read(port("PORT", 80), {}), 80)
    assert.strictEqual(yield* read(port("PORT", 80), { PORT: "0" }), 0)
    const servers = yield* read(natsUrl, { NATS_URL: "nats://a:4222,tls://b:4222" })
    assert.isTrue(Redacted.isRedacted(servers))
  }),
)

it.effect("what is not is named in a sentence that does not show it", () =>
  Effect.gen(function* () {
    const cases = [
      [url("API", ["http"]), "API", "not a url", "API is malformed: expected a URL that begins with http://"],
      [
        redactedUrl("DB", ["postgres"]),
        "DB",
        "http://u:p@h",
        "DB is malformed: expected a URL that begins with postgres://",
      ],
      [
        natsUrl,
        "NATS_URL",
        "nats://a,http://b",
        "NATS_URL is malformed: expected URLs that begin with nats:// or tls://, separated by commas",
      ],
      [port("PORT", 80), "PORT", "65536", "PORT is malformed: expected a port, 0 to 65535"],
      [port("PORT", 80), "PORT", "-1", "PORT is malformed: expected a port, 0 to 65535"],
      [secret("KEY", 8), "KEY", "short", "KEY is malformed: expected at least 8 characters"],
      [secret("KEY", 8), "KEY", "", "KEY is missing"],
    ] as const
    for (const [config, name, value, sentence] of cases) {
      assert.strictEqual(yield* read<unknown>(config, { [name]: value }), sentence)
    }
  }),
)
