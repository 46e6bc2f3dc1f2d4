/** Claims as they are noted in Zitadel, so that a token can have the last known good ones while we are away. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Metric from "effect/Metric"
import * as Option from "effect/Option"
import type { DatabaseFailed } from "../../database/DatabaseFailed.ts"
import type { User, UserId } from "../../users/User.ts"
import { UserStore } from "../../users/UserStore.ts"
import { claimsOf } from "../claims.ts"
import type { UserPlace } from "../management/Users.ts"
import type { ZitadelFailed } from "../management/ZitadelFailed.ts"
import { notesOf, novaClaims, novaUserId } from "../notes.ts"
import { importedIds, match, namedBy } from "./match.ts"
import { Zitadel } from "./Zitadel.ts"
import { ZitadelLinkStore } from "./ZitadelLinkStore.ts"

/** `nobody`: Zitadel does not know the person, or not for sure. */
export type Noted = "noted" | "unchanged" | "removed" | "nobody"

type Failed = ZitadelFailed | DatabaseFailed

export class ClaimNotes extends Context.Service<
  ClaimNotes,
  {
    /**
     * Makes what Zitadel has noted of a user what is true now; takes it away where the user is gone. May be run at any
     * time, any number of times, and by several at once: whoever comes last has looked last.
     */
    readonly follow: (id: UserId) => Effect.Effect<Noted, Failed>
  }
>()("identity/ClaimNotes") {
  static readonly layer = Layer.effect(
    ClaimNotes,
    Effect.gen(function* () {
      const users = yield* UserStore
      const links = yield* ZitadelLinkStore
      const zitadel = yield* Zitadel

      const found = Effect.fnUntraced(function* (user: User) {
        const known = yield* zitadel.findByIds(importedIds(user.id))
        const people = user.email === null ? known : [...known, ...(yield* zitadel.findByEmail(user.email))]
        const candidates = yield* Effect.forEach(
          people.filter(({ id }, index) => people.findIndex((each) => each.id === id) === index),
          (person) => Effect.map(zitadel.notes(person), (notes) => ({ user: person, notes })),
        )
        const matched = match(user, candidates)
        if (Option.isNone(matched)) return matched
        return (yield* links.link(user.id, matched.value)) ? matched : Option.none<UserPlace>()
      })

      /** Takes away what is noted of the user there, but nothing that is noted of somebody else by now. */
      const taken = Effect.fnUntraced(function* (id: UserId, place: UserPlace): Effect.fn.Return<Noted, Failed> {
        const keys = notesOf(id, yield* zitadel.notes(place))
        if (keys.length > 0) yield* unlessGone(zitadel.forget(place, keys))
        yield* links.unlink(id)
        return "removed"
      })

      /** Again until what was noted is what is there: two who note at the same time do not leave the older one's. */
      const kept = Effect.fnUntraced(function* (user: User, place: UserPlace): Effect.fn.Return<Noted, Failed> {
        const wanted = { [novaUserId]: user.id, [novaClaims]: JSON.stringify(claimsOf(user)) }
        const notes = yield* zitadel.notes(place)
        const named = namedBy(notes) ?? Option.none()
        if (Option.isSome(named) && named.value !== user.id) {
          // Somebody has put right who that is.
          yield* taken(user.id, place)
          return "nobody"
        }
        const changed = Object.entries(wanted).filter(([key, text]) => notes.get(key) !== text)
        if (changed.length === 0) return "unchanged"
        yield* zitadel.note(place, Object.fromEntries(changed))
        const now = yield* users.find(user.id)
        if (Option.isNone(now)) return yield* taken(user.id, place)
        yield* JSON.stringify(claimsOf(now.value)) === wanted[novaClaims] ? Effect.void : kept(now.value, place)
        return "noted"
      })

      const placed = (user: User, place: Option.Option<UserPlace>): Effect.Effect<Noted, Failed> =>
        Option.match(place, { onNone: () => Effect.succeed("nobody"), onSome: (there) => kept(user, there) })

      const follow = Effect.fn("ClaimNotes.follow")(function* (id: UserId): Effect.fn.Return<Noted, Failed> {
        const [user, link] = yield* Effect.all([users.find(id), links.find(id)])
        if (Option.isNone(user)) return Option.isNone(link) ? "nobody" : yield* taken(id, link.value)
        if (Option.isNone(link)) return yield* placed(user.value, yield* found(user.value))
        return yield* Effect.catchIf(
          kept(user.value, link.value),
          (error) => error._tag === "ZitadelFailed" && error.kind === "notFound",
          // That person has left Zitadel, and may have come back as another.
          () =>
            Effect.andThen(
              links.unlink(id),
              Effect.flatMap(found(user.value), (place) => placed(user.value, place)),
            ),
        )
      })

      return ClaimNotes.of({
        follow: (id) => Effect.tap(follow(id), (outcome) => Metric.update(byOutcome[outcome], 1)),
      })
    }),
  )
}

/** What is gone need not be taken away. */
const unlessGone = (effect: Effect.Effect<void, ZitadelFailed>) =>
  Effect.catchIf(
    effect,
    ({ kind }) => kind === "notFound",
    () => Effect.void,
  )

const outcomes = Metric.counter("authsome_identity_claim_notes_total", {
  description: "What became of claims that Zitadel was to note",
  incremental: true,
})
const byOutcome = {
  noted: Metric.withAttributes(outcomes, { outcome: "noted" }),
  unchanged: Metric.withAttributes(outcomes, { outcome: "unchanged" }),
  removed: Metric.withAttributes(outcomes, { outcome: "removed" }),
  nobody: Metric.withAttributes(outcomes, { outcome: "nobody" }),
} satisfies Record<Noted, typeof outcomes>
