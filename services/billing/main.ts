/** The billing process: counts what the proxy reports, and tells what was used. */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { BillingAccountService } from "#gen/authsome/billing/v1/account_pb.ts"
import { InvoiceService } from "#gen/authsome/billing/v1/invoice_pb.ts"
import { PlanService } from "#gen/authsome/billing/v1/price_pb.ts"
import { StripeWebhookService } from "#gen/authsome/billing/v1/stripe_pb.ts"
import { Inbox } from "#shared/events/Inbox.ts"
import { Nats } from "#shared/nats/Nats.ts"
import * as Operations from "#shared/operations/rpc.ts"
import * as Database from "#shared/postgres/Database.ts"
import { Redis } from "#shared/redis/Redis.ts"
import { internalKey } from "#shared/rpc/authenticate.ts"
import { Authentication, Authorization } from "#shared/rpc/Caller.ts"
import * as Handlers from "#shared/rpc/Handlers.ts"
import { PermissionDenied } from "#shared/rpc/PublicError.ts"
import * as Server from "#shared/rpc/Server.ts"
import { launch } from "#shared/runtime/Launch.ts"
import { pending } from "../pending.ts"
import { BillingConfig } from "./Config.ts"
import * as UsageConsumer from "./usage/consumer.ts"
import * as UsageRpc from "./usage/rpc.ts"
import { Usage } from "./usage/Usage.ts"
import * as UsageSweep from "./usage/UsageSweep.ts"

/** Its rpcs are for programs of the mesh: nobody has permissions here. */
const authorization = Layer.succeed(Authorization, {
  authorize: () => Effect.fail(new PermissionDenied({ reason: "PERMISSION_DENIED", message: "nobody may do this" })),
})

const Rpcs = Layer.mergeAll(
  UsageRpc.layer,
  Operations.layer,
  Handlers.layer(InvoiceService, Effect.succeed({}), pending["billing.InvoiceService"]),
  Handlers.layer(BillingAccountService, Effect.succeed({}), pending.BillingAccountService),
  Handlers.layer(PlanService, Effect.succeed({}), pending.PlanService),
  Handlers.layer(StripeWebhookService, Effect.succeed({}), pending.StripeWebhookService),
)

const Billing = Layer.unwrap(
  Effect.map(BillingConfig, (config) =>
    Layer.mergeAll(Server.layer({ config: config.server }, Rpcs), UsageConsumer.layer, UsageSweep.layer).pipe(
      Layer.provide([
        Layer.succeed(Authentication, { INTERNAL: internalKey([config.internalKey]) }),
        authorization,
        Usage.layer,
        Inbox.layer,
        Nats.layer({ url: config.natsUrl, name: "billing" }),
      ]),
      Layer.provide([
        Database.layer({ url: config.databaseUrl, applicationName: "billing" }),
        Redis.layer({ url: config.redisUrl }),
      ]),
    ),
  ),
)

launch(Billing, { service: "billing" })
