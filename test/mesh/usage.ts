/** The shortest way through two programs: a user of the control plane asks what billing has counted. */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { newId } from "#shared/ids/Id.ts"

const Account = Schema.Struct({ token: Schema.String })
const Workspace = Schema.Struct({ id: Schema.String })

/** The status of the answer, to a new user, for a new workspace. */
export const statusOfUsage = Effect.fnUntraced(function* (controlPlane: string) {
  const call = (path: string, token: string | undefined, body?: unknown) =>
    Effect.promise(() =>
      fetch(`${controlPlane}/control/v1${path}`, {
        ...(body === undefined ? {} : { method: "POST", body: JSON.stringify(body) }),
        headers: {
          "content-type": "application/json",
          ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        },
      }),
    )
  const made = <S extends Schema.Codec<unknown, unknown>>(schema: S, ...request: Parameters<typeof call>) =>
    Effect.flatMap(call(...request), (answer) =>
      Effect.flatMap(
        Effect.promise(() => answer.json()),
        Schema.decodeUnknownEffect(schema),
      ),
    )
  const account = { email: `${yield* newId("usr")}@example.com`, password: "correct horse battery staple", name: "Ada" }
  const { token } = yield* made(Account, "/auth/signup", undefined, account)
  const { id } = yield* made(Workspace, "/workspaces", token, { name: "Acme" })
  return (yield* call(`/workspaces/${id}/usage`, token)).status
})
