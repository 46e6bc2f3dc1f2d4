/** What we need of Zitadel to keep claims there: its people, and what is noted of them. */
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import {
  findByEmail,
  findByIds,
  readMetadata,
  removeMetadata,
  setMetadata,
  type UserPlace,
  type ZitadelUser,
} from "../management/Users.ts"
import { type ZitadelSettings, zitadelApi } from "../management/ZitadelApi.ts"
import type { ZitadelFailed } from "../management/ZitadelFailed.ts"
import { notesPrefix } from "../notes.ts"

type Found = Effect.Effect<ReadonlyArray<ZitadelUser>, ZitadelFailed>

export class Zitadel extends Context.Service<
  Zitadel,
  {
    /** People with one of these ids, in any organisation. */
    readonly findByIds: (ids: ReadonlyArray<string>) => Found
    /** People with that address in any case, verified or not. */
    readonly findByEmail: (email: string) => Found
    /** What we noted of a person; nothing of one who is not there. */
    readonly notes: (place: UserPlace) => Effect.Effect<ReadonlyMap<string, string>, ZitadelFailed>
    /** Notes these, all or none; `notFound` where the person is not there. */
    readonly note: (place: UserPlace, notes: Readonly<Record<string, string>>) => Effect.Effect<void, ZitadelFailed>
    /** Forgets these notes, all or none; `notFound` where the person or one of them is not there. */
    readonly forget: (place: UserPlace, keys: ReadonlyArray<string>) => Effect.Effect<void, ZitadelFailed>
  }
>()("identity/Zitadel") {
  /** Over its REST APIs. */
  static readonly layer = (settings: ZitadelSettings) =>
    Layer.sync(Zitadel, () => {
      const api = zitadelApi(settings)
      return Zitadel.of({
        findByIds: (ids) => findByIds(api, ids),
        findByEmail: (email) => findByEmail(api, email),
        notes: (place) => readMetadata(api, place, notesPrefix),
        note: (place, notes) => setMetadata(api, place, notes),
        forget: (place, keys) => removeMetadata(api, place, keys),
      })
    })
}
