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
import { layerPeers } from "#shared/rpc/authenticate.ts"
import { Authorization } from "#shared/rpc/Caller.ts"
import * as Handlers from "#shared/rpc/Handlers.ts"
import * as Server from "#shared/rpc/Server.ts"
import { launch } from "#shared/runtime/Launch.ts"
import { pending } from "../pending.ts"
import { BillingConfig } from "./Config.ts"
import * as UsageConsumer from "./usage/consumer.ts"
import * as UsageRpc from "./usage/rpc.ts"
import { Usage } from "./usage/Usage.ts"
import * as UsageSweep from "./usage/UsageSweep.ts"

const Rpcs = Layer.mergeAll(
  UsageRpc.layer,
  Operations.layer,
  Handlers.layer(InvoiceService, Effect.succeed({}), pending["billing.InvoiceService"]),
  Handlers.layer(BillingAccountService, Effect.succeed({}), pending.BillingAccountService),
  Handlers.layer(PlanService, Effect.succeed({}), pending.PlanService),
  Handlers.layer(StripeWebhookService, Effect.succeed({}), pending.StripeWebhookService),
)

/** Only programs of the mesh call it. */
const server = ({ server, mesh }: BillingConfig) =>
  Server.layer({ config: server, certificateFiles: mesh.certificateFiles }, Rpcs).pipe(
    Layer.provide([layerPeers(mesh), Authorization.layerNobody]),
  )

const Billing = Layer.unwrap(
  Effect.map(BillingConfig, (config) =>
    Layer.mergeAll(server(config), UsageConsumer.layer, UsageSweep.layer).pipe(
      Layer.provide([Usage.layer, Inbox.layer, Nats.layer({ url: config.natsUrl, name: "billing" })]),
      Layer.provide([
        Database.layer({ url: config.databaseUrl, applicationName: "billing" }),
        Redis.layer({ url: config.redisUrl }),
      ]),
    ),
  ),
)

launch(Billing, { service: "billing" })
