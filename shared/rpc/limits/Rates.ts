/** How often callers may call, by the class that the contract gives an rpc. */
import * as Config from "effect/Config"
import * as Schema from "effect/Schema"
import type { RateClass } from "../Policy.ts"
import type { Rate } from "./TokenBucket.ts"

/** A class without a rate is not counted. */
export type Rates = { readonly [K in RateClass]?: Rate }

/** Calls a minute: the documented rate of plan "pro", and much less for what invites abuse. */
const usual = { DEFAULT: 1000, CREDENTIAL: 60, COSTLY: 60 } satisfies Record<RateClass, number>

const count = (name: string, otherwise: number): Config.Config<number> =>
  Config.schema(
    Schema.FiniteFromString.check(Schema.isInt(), Schema.isBetween({ minimum: 1, maximum: 1e9 })),
    name,
  ).pipe(Config.withDefault(otherwise))

const rate = (of: RateClass): Config.Config<Rate> =>
  Config.flatMap(count(`RATE_LIMIT_${of}_PER_MINUTE`, usual[of]), (perMinute) =>
    Config.all({ perMinute: Config.succeed(perMinute), burst: count(`RATE_LIMIT_${of}_BURST`, perMinute) }),
  )

/**
 * The rates of these classes: RATE_LIMIT_DEFAULT_PER_MINUTE (1000), RATE_LIMIT_CREDENTIAL_PER_MINUTE (60),
 * RATE_LIMIT_COSTLY_PER_MINUTE (60), and with _BURST at the end how many calls may come at once (a minute's).
 */
export const rates = (...classes: ReadonlyArray<RateClass>): Config.Config<Rates> =>
  Config.map(Config.all(Object.fromEntries(classes.map((of) => [of, rate(of)]))), (all): Rates => all)
