/** How tests call the target of Zitadel's functions, and look at the program's Redis. */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import { Listening } from "#shared/rpc/Server.ts"
import { eventually } from "#shared/testing/eventually.ts"
import { signed, signingKey } from "./SignedCall.ts"

export interface Sending {
  /** Unset: signed now with the key of the tests. Null: not at all. */
  readonly signature?: string | null
}

interface Answer {
  readonly error?: string
  readonly message?: string
  readonly append_claims?: ReadonlyArray<{ readonly key: string; readonly value: unknown }>
}

/** Sends the text to the target of the program as Zitadel does; the claims of the answer are by their names. */
export const send = Effect.fnUntraced(function* (body: string, { signature }: Sending = {}) {
  const { httpPort } = yield* Listening
  const now = Math.floor((yield* Clock.currentTimeMillis) / 1000)
  const header = signature === undefined ? signed(body, now, signingKey) : signature
  return yield* Effect.promise(async () => {
    const response = await fetch(`http://127.0.0.1:${httpPort}/internal/zitadel/append-claims`, {
      method: "POST",
      headers: { "content-type": "application/json", ...(header === null ? {} : { "zitadel-signature": header }) },
      body,
    })
    const json: Answer = JSON.parse(await response.text())
    const claims = Object.fromEntries((json.append_claims ?? []).map(({ key, value }) => [key, value]))
    return { status: response.status, json, claims }
  })
})

/** Waits until the program finds its Redis in this state. */
export const redisIs = (state: "ok" | "failing") =>
  Effect.flatMap(Listening, ({ grpcPort }) =>
    eventually(
      Effect.promise(async () => (await fetch(`http://127.0.0.1:${grpcPort}/ready`)).text()).pipe(
        Effect.filterOrFail((text) => text.includes(`"redis":"${state}"`)),
      ),
    ),
  )
