import { assert, layer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { eventsAbout, password, recordedOf, registered } from "../testing/People.ts"
import { identityClient, request } from "../testing/TestClient.ts"
import { novaEnvironment, running, zitadelKey } from "../testing/TestIdentity.ts"

const register = registered("identity-users.test")
const unknown = "01890a5d-ac96-774b-bcce-b302099a8057"

layer(running(novaEnvironment), { excludeTestServices: true })("users", (it) => {
  it.effect("are read several at once, in the order asked for, without those that are not there", () =>
    Effect.gen(function* () {
      const identity = yield* identityClient
      const [ada, grace, gone] = yield* Effect.all([register("ada"), register("grace"), register("gone")])
      yield* identity.deleteUser({ userId: gone.id })
      const ids = [grace.id.toUpperCase(), unknown, ada.id, gone.id]
      const { users } = yield* identity.batchGetUsers({ userIds: ids })
      assert.deepStrictEqual(
        users.map(({ id, username }) => [id, username]),
        [
          [grace.id, "grace"],
          [ada.id, "ada"],
        ],
      )
      for (const userIds of [[], [ada.id, ada.id], Array.from({ length: 101 }, () => unknown), ["nonsense"]]) {
        const refused = yield* Effect.flip(identity.batchGetUsers({ userIds }))
        assert.strictEqual(refused.reason, "INVALID_REQUEST")
      }
    }),
  )

  it.effect("are listed, the newest first, a page at a time", () =>
    Effect.gen(function* () {
      for (const name of ["list_one", "list_two", "listxthree"]) yield* register(name)
      const identity = yield* identityClient
      const names = Effect.fnUntraced(function* (search: string, page: number, pageSize: number) {
        const { data, total } = yield* identity.listUsers({ search, page, pageSize })
        return [data.map(({ username }) => username), total]
      })
      assert.deepStrictEqual(yield* names("LIST", 0, 0), [["listxthree", "list_two", "list_one"], 3])
      assert.deepStrictEqual(yield* names("list", 2, 2), [["list_one"], 3])
      assert.deepStrictEqual(yield* names("list_", 1, 10), [["list_two", "list_one"], 2])
      assert.deepStrictEqual(yield* names("%", 1, 10), [[], 0])
    }),
  )

  it.effect("are found by their usernames in any case, as they were asked for", () =>
    Effect.gen(function* () {
      const identity = yield* identityClient
      const { id: barbara } = yield* register("Barbara.L")
      const { id: edsger } = yield* register("edsger")
      const usernames = ["EDSGER", "nobody", "barbara.l", "%", "edsger"]
      const { usernames: resolved } = yield* identity.batchResolveUsernames({ usernames })
      assert.deepStrictEqual(
        resolved.map(({ username, userId }) => [username, userId]),
        [
          ["EDSGER", edsger],
          ["barbara.l", barbara],
          ["edsger", edsger],
        ],
      )
    }),
  )

  it.effect("that are deleted are shown nowhere, cannot log in, and keep address and username", () =>
    Effect.gen(function* () {
      const { identity, id, email, access } = yield* register("donald")
      const { user } = yield* identity.deleteUser({ userId: id })
      assert.include(user, { id, email, username: "donald" })
      assert.isDefined(user?.deletedAt)
      assert.deepStrictEqual((yield* identity.deleteUser({ userId: id })).user, user, "again")

      assert.isFalse((yield* identity.verifyToken({ token: access })).valid)
      const refusals = [
        yield* Effect.flip(identity.getUser({ userId: id })),
        yield* Effect.flip(identity.updateUserProfile({ userId: id, bio: "back" })),
        yield* Effect.flip(identity.listSessions({ userId: id })),
        yield* Effect.flip(identity.login({ identifier: email, password })),
        yield* Effect.flip(identity.register({ username: "other", email, password })),
        yield* Effect.flip(identity.register({ username: "DONALD", email: `2${email}`, password })),
        yield* Effect.flip(identity.deleteUser({ userId: unknown })),
      ]
      assert.deepStrictEqual(
        refusals.map(({ reason }) => reason),
        [
          ...["USER_NOT_FOUND", "USER_NOT_FOUND", "USER_NOT_FOUND", "INVALID_CREDENTIALS"],
          ...["EMAIL_TAKEN", "USERNAME_TAKEN", "USER_NOT_FOUND"],
        ],
      )
      assert.deepStrictEqual((yield* identity.batchResolveUsernames({ usernames: ["donald"] })).usernames, [])
      assert.strictEqual((yield* identity.listUsers({ search: email })).total, 0)
      const headers = { "x-internal-api-key": zitadelKey }
      assert.strictEqual((yield* request("GET", `/internal/zitadel/user-claims/${id}`, { headers })).status, 404)
      const cases = (yield* eventsAbout(id)).map((event) => event.case)
      assert.deepStrictEqual(cases, ["userRegistered", "sessionRevoked", "profileUpdated"])
      const actions = (yield* recordedOf(id)).map(({ action }) => action)
      assert.deepStrictEqual(actions, ["user.registered", "user.deleted"])
    }),
  )

  it.effect("are not asked for, or made, with a text that no database holds", () =>
    Effect.gen(function* () {
      const { identity, id } = yield* register("tony")
      const nul = "a\u0000b"
      for (const refused of [
        identity.batchResolveUsernames({ usernames: [nul] }),
        identity.listUsers({ search: nul }),
        identity.login({ identifier: nul, password }),
        identity.updateUserProfile({ userId: id, bio: nul }),
      ] satisfies ReadonlyArray<Effect.Effect<unknown, { readonly reason: string }>>) {
        assert.strictEqual(
          (yield* Effect.flip<unknown, { readonly reason: string }, never>(refused)).reason,
          "INVALID_REQUEST",
        )
      }
      assert.strictEqual((yield* identity.getUser({ userId: id })).user?.bio, "")
    }),
  )
})
