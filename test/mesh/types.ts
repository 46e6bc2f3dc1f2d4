/**
 * What must not compile. Checked by `tsc`: each line after an expectation has exactly one mistake, and an expectation
 * without a mistake is itself an error. Nothing here runs.
 */
import * as Context from "effect/Context"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import { ItemKind, ProbeService } from "#gen/authsome/testing/v1/probe_pb.ts"
import type { Channel } from "#shared/rpc/client/Channel.ts"
import * as Client from "#shared/rpc/client/Client.ts"
import * as Handlers from "#shared/rpc/Handlers.ts"
import { NotFound } from "#shared/rpc/PublicError.ts"

class SlugTaken extends Data.TaggedError("SlugTaken")<{ readonly slug: string }> {}

class Items extends Context.Service<Items, { readonly total: Effect.Effect<number> }>()("test/mesh/types/Items") {}

const others = ["getItem", "listItems", "deleteItem", "misbehave", "whoAmI", "forbidden", "count"] as const
const echo = () => Effect.succeed({ requestId: "k" })

/** The right way, so that the mistakes below are mistakes for the reason they name. */
export const right: Layer.Layer<never, never, Handlers.Implementations> = Handlers.layer(
  ProbeService,
  Effect.succeed({ echo }),
  others,
)

/** What a service's handlers capture is what its layer needs. */
export const captured: Layer.Layer<never, never, Handlers.Implementations | Items> = Handlers.layer(
  ProbeService,
  Effect.map(Items, ({ total }) => ({ listItems: () => Effect.map(total, (count) => ({ total: count })) })),
  ["echo", "getItem", "deleteItem", "misbehave", "whoAmI", "forbidden", "count"],
)

// @ts-expect-error an rpc has no handler
Handlers.layer(ProbeService, Effect.succeed({}), others)

// @ts-expect-error an rpc that has a handler is named as one whose turn has not come
Handlers.layer(ProbeService, Effect.succeed({ echo }), [...others, "echo"])

// @ts-expect-error the contract has no such rpc
Handlers.layer(ProbeService, Effect.succeed({ echo }), [...others, "vanish"])

// @ts-expect-error a handler is of no rpc of the contract
Handlers.layer(ProbeService, Effect.succeed({ echo, vanish: echo }), others)

// @ts-expect-error an error of the domain is not told to callers as it is
Handlers.layer(ProbeService, Effect.succeed({ echo: () => Effect.fail(new SlugTaken({ slug: "acme" })) }), others)

// @ts-expect-error an rpc that answers once is not answered with a stream
Handlers.layer(ProbeService, Effect.succeed({ echo: () => Stream.empty }), others)

// @ts-expect-error the response has no such field
Handlers.layer(ProbeService, Effect.succeed({ echo: () => Effect.succeed({ requestIdentifier: "k" }) }), others)

// @ts-expect-error the field is text
Handlers.layer(ProbeService, Effect.succeed({ echo: () => Effect.succeed({ requestId: 7 }) }), others)

// @ts-expect-error a handler asks for a service that was not captured when the layer was built
Handlers.layer(ProbeService, Effect.succeed({ echo: () => Effect.as(Items, {}) }), others)

// @ts-expect-error the contract has no such reason
new NotFound({ reason: "LOST", message: "there is no such item" })

const handled: Handlers.Handlers<typeof ProbeService, (typeof others)[number]> = {
  echo,
  // @ts-expect-error the contract has no such rpc
  vanish: echo,
}
void handled

declare const channel: Channel
const probe = Client.make(ProbeService, channel)

// @ts-expect-error the request has no such field
void probe.getItem({ id: "itm_1" })

// @ts-expect-error the field is text
void probe.getItem({ itemId: 1 })

// @ts-expect-error the contract has no such rpc
void probe.vanish({})

// @ts-expect-error the response has no such field
void Effect.map(probe.getItem({ itemId: "itm_1" }), ({ thing }) => thing)

/** A mapping of an enum names every value of it. */
const names = {
  [ItemKind.UNSPECIFIED]: "none",
  [ItemKind.ROUND]: "round",
  // @ts-expect-error a value of the enum is not named
} satisfies Record<ItemKind, string>
void names
