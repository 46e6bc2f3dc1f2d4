import { assert, layer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as SqlClient from "effect/sql/SqlClient"
import { registered } from "../testing/People.ts"
import { shown } from "../testing/TestAuthenticator.ts"
import { identityClient } from "../testing/TestClient.ts"
import { novaEnvironment, running } from "../testing/TestIdentity.ts"
import { mostOfAList } from "./PersonalData.ts"

const register = registered("export.test")
const client = { ipAddress: "203.0.113.9", userAgent: "radio/1" }

const exported = Effect.fnUntraced(function* (userId: string) {
  const identity = yield* identityClient
  const { data } = yield* identity.exportUserData({ userId })
  return JSON.parse(JSON.stringify(data ?? {}))
})

layer(running(novaEnvironment), { excludeTestServices: true })("the export of a person's data", (it) => {
  it.effect("has everything that is stored, and no hash, secret or token", () =>
    Effect.gen(function* () {
      const { identity, id, email, sessionId, access } = yield* register("hedy")
      yield* identity.updateUserProfile({ userId: id, bio: "frequency hopping", phoneNumber: "+431234567" })
      yield* identity.login({ identifier: email, password: "correct horse battery", client })
      const { secret } = yield* identity.enrollTotp({ userId: id })
      const { recoveryCodes } = yield* identity.confirmTotp({ userId: id, code: yield* shown(secret) })
      yield* identity.requestPasswordReset({ email })
      yield* identity.logout({ token: access })

      const data = yield* exported(id)
      assert.deepStrictEqual(Object.keys(data).sort(), [
        ...["mailedTokens", "mails", "organizations", "securityEvents", "sessions"],
        ...["totp", "truncated", "user", "zitadel"],
      ])
      assert.deepInclude(data.user, { id, email, username: "hedy", bio: "frequency hopping", hasPassword: true })
      assert.match(data.user.createdAt, /^\d{4}-\d\d-\d\dT.*Z$/)
      assert.deepInclude(data.totp, { enabled: true, awaitsFirstCode: false, recoveryCodesLeft: 10 })
      const ended = data.sessions.find((session: { readonly id: string }) => session.id === sessionId)
      assert.include(ended, { endReason: "loggedOut" })
      assert.deepInclude(data.sessions[0], { ...client, endReason: null })
      const actions = data.securityEvents.map(({ action }: { readonly action: string }) => action)
      assert.includeMembers(actions, ["user.registered", "user.logged_in", "user.totp_enabled", "user.logged_out"])
      const purposes = data.mailedTokens.map(({ purpose }: { readonly purpose: string }) => purpose).sort()
      assert.deepStrictEqual(purposes, ["emailVerification", "passwordReset"])
      assert.includeMembers(
        data.mails.map(({ kind }: { readonly kind: string }) => kind),
        ["emailVerification", "passwordReset", "totpEnabled"],
      )
      assert.deepStrictEqual(data.truncated, [])
      const text = JSON.stringify(data)
      for (const hidden of [secret, access, "argon2", "sealed", "digest", ...recoveryCodes]) {
        assert.notInclude(text, hidden)
      }
    }),
  )

  it.effect("is there for a deleted account, and for nobody else's", () =>
    Effect.gen(function* () {
      const { identity, id, email } = yield* register("alan")
      const { email: other } = yield* register("joan")
      yield* identity.deleteUser({ userId: id })
      const data = yield* exported(id.toUpperCase())
      assert.strictEqual(data.user.email, email)
      assert.isString(data.user.deletedAt)
      assert.notInclude(JSON.stringify(data), other)
      const unknown = yield* Effect.flip(exported("01890a5d-ac96-774b-bcce-b302099a8057"))
      assert.strictEqual(unknown.reason, "USER_NOT_FOUND")
    }),
  )

  it.effect("says where a list was too long to be shown whole", () =>
    Effect.gen(function* () {
      const { id } = yield* register("konrad")
      const sql = yield* SqlClient.SqlClient
      yield* sql`
        INSERT INTO security_audit_log (id, action, user_id, user_agent)
        SELECT gen_random_uuid(), 'user.logged_in', ${id}::uuid, repeat('x', 512)
        FROM generate_series(1, ${mostOfAList}::int)`
      const data = yield* exported(id)
      assert.lengthOf(data.securityEvents, mostOfAList)
      assert.deepStrictEqual(data.truncated, ["securityEvents"])
    }),
  )
})
