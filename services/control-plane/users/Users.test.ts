import { expect, layer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { tablesWith } from "../testing/TestRowsStore.ts"
import * as TestUseCases from "../testing/TestUseCases.ts"
import { Users } from "./Users.ts"

const { password } = TestUseCases

layer(TestUseCases.layer, { excludeTestServices: true })("an account", (it) => {
  it.effect("is one, however its address is written", () =>
    Effect.gen(function* () {
      const users = yield* Users
      const user = yield* users.signUp({ email: "Ada@Example.com", password, name: "Ada" })
      expect(user).toMatchObject({ id: expect.stringMatching(/^usr_[a-z2-7]{26}$/), email: "ada@example.com" })
      const again = users.signUp({ email: "ADA@EXAMPLE.COM", password, name: "" })
      expect(yield* Effect.flip(again)).toMatchObject({ _tag: "EmailTaken" })
      expect((yield* users.authenticate("aDa@example.com", password)).id).toBe(user.id)
    }),
  )

  it.effect("is made once by two who come at the same time", () =>
    Effect.gen(function* () {
      const users = yield* Users
      const both = ["Twin@example.com", "twin@example.com"].map((email) => users.signUp({ email, password, name: "" }))
      const outcomes = yield* Effect.all(both.map(Effect.result), { concurrency: "unbounded" })
      expect(outcomes.map(({ _tag }) => _tag).sort()).toEqual(["Failure", "Success"])
    }),
  )

  it.effect("does not tell whether it exists to who has the wrong password", () =>
    Effect.gen(function* () {
      const users = yield* Users
      yield* users.signUp({ email: "grace@example.com", password, name: "Grace" })
      const wrong = yield* Effect.flip(users.authenticate("grace@example.com", Redacted.make("wrong password")))
      const unknown = yield* Effect.flip(users.authenticate("nobody@example.com", password))
      expect(wrong).toEqual(unknown)
      expect(unknown).toMatchObject({ _tag: "InvalidCredentials" })
    }),
  )

  it.effect("keeps no password", () =>
    Effect.gen(function* () {
      const users = yield* Users
      const secret = "a password that is nowhere else"
      yield* users.signUp({ email: "alan@example.com", password: Redacted.make(secret), name: "Alan" })
      expect(yield* tablesWith("alan@example.com")).toEqual(["users"])
      expect(yield* tablesWith(secret)).toEqual([])
    }),
  )
})
