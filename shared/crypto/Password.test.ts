import { assert, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Redacted from "effect/Redacted"
import { Passwords } from "./Password.ts"

const right = Redacted.make("correct horse battery staple")
const wrong = Redacted.make("correct horse battery stable")

it.live("a password is verified against its hash, which is argon2id with OWASP's parameters", () =>
  Effect.gen(function* () {
    const passwords = yield* Passwords
    const phc = yield* passwords.hash(right)
    assert.match(phc, /^\$argon2id\$v=19\$m=19456,t=2,p=1\$/)
    assert.isTrue(yield* passwords.verify(phc, right))
    assert.isFalse(yield* passwords.verify(phc, wrong))
    assert.isFalse(yield* passwords.verify(phc, Redacted.make("x".repeat(2000))))
    yield* passwords.verifyNothing(right)
    assert.isFalse(passwords.needsRehash(phc))
    assert.isTrue(passwords.needsRehash(phc.replace("m=19456", "m=9216")))
    assert.isTrue(passwords.needsRehash(phc.replace("argon2id", "argon2i")))
  }).pipe(Effect.provide(Passwords.layer)),
)

it.live("no more than the bound are hashed or wait, and the rest is told at once", () =>
  Effect.gen(function* () {
    const passwords = yield* Passwords
    const exits = yield* Effect.forEach(Array.from({ length: 10 }), () => Effect.exit(passwords.hash(right)), {
      concurrency: "unbounded",
    })
    assert.strictEqual(exits.filter(Exit.isSuccess).length, 3)
    const refused = yield* Effect.forEach(exits.filter(Exit.isFailure), (exit) => Effect.flip(exit))
    assert.deepStrictEqual(new Set(refused.map((error) => error._tag)), new Set(["Overloaded"]))
    yield* passwords.hash(right)
  }).pipe(Effect.provide(Passwords.layerWith({ concurrency: 1, queue: 2 }))),
)

it.live("whoever gives up waiting makes room", () =>
  Effect.gen(function* () {
    const passwords = yield* Passwords
    const working = yield* Effect.forkChild(passwords.hash(right), { startImmediately: true })
    const waiting = yield* Effect.forkChild(passwords.hash(right), { startImmediately: true })
    assert.strictEqual((yield* Effect.flip(passwords.hash(right)))._tag, "Overloaded")
    yield* Fiber.interrupt(waiting)
    yield* passwords.hash(right)
    yield* Fiber.join(working)
  }).pipe(Effect.provide(Passwords.layerWith({ concurrency: 1, queue: 1 }))),
)

it.live("a stored hash that is none is a defect, and harms no other", () =>
  Effect.gen(function* () {
    const passwords = yield* Passwords
    const phc = yield* passwords.hash(right)
    const [broken, fine] = yield* Effect.all(
      [Effect.exit(passwords.verify("$argon2id$nonsense", right)), passwords.verify(phc, right)],
      { concurrency: "unbounded" },
    )
    assert.isTrue(Exit.hasDies(broken))
    assert.isTrue(fine)
  }).pipe(Effect.provide(Passwords.layer)),
)
