/** Every service that the control plane serves, and who may call it. */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { InvoiceService } from "#gen/authsome/control/v1/invoice_pb.ts"
import { PaymentMethodService } from "#gen/authsome/control/v1/payment_method_pb.ts"
import { WebhookService } from "#gen/authsome/control/v1/webhook_pb.ts"
import * as Operations from "#shared/operations/rpc.ts"
import * as AuditLogStore from "#shared/recording/AuditLogStore.ts"
import * as Recording from "#shared/recording/Recording.ts"
import * as Handlers from "#shared/rpc/Handlers.ts"
import * as Limits from "#shared/rpc/limits/Limits.ts"
import * as Server from "#shared/rpc/Server.ts"
import { pending } from "../pending.ts"
import * as ApplicationRpc from "./applications/rpc.ts"
import * as AuditRpc from "./audit/rpc.ts"
import type { ControlPlaneConfig } from "./Config.ts"
import * as DirectoryRpc from "./directory/rpc.ts"
import * as KeyRpc from "./keys/rpc.ts"
import * as Authorize from "./members/authorize.ts"
import * as MemberRpc from "./members/rpc.ts"
import * as RoutingRpc from "./routing/rpc.ts"
import * as UsageRpc from "./usage/rpc.ts"
import * as Authenticate from "./users/authenticate.ts"
import * as AccountRpc from "./users/rpc.ts"
import * as WorkspaceRpc from "./workspaces/rpc.ts"

const none = Effect.succeed({})

const notYet = Layer.mergeAll(
  Handlers.layer(InvoiceService, none, pending["control.InvoiceService"]),
  Handlers.layer(PaymentMethodService, none, pending.PaymentMethodService),
  Handlers.layer(WebhookService, none, pending.WebhookService),
)

const services = Layer.mergeAll(
  AccountRpc.layer,
  WorkspaceRpc.layer,
  MemberRpc.layer,
  ApplicationRpc.layer,
  KeyRpc.layer,
  UsageRpc.layer,
  RoutingRpc.layer,
  DirectoryRpc.layer,
  AuditRpc.layer,
  Operations.layer,
  notYet,
)

/** Both faces of the control plane. */
export const layer = ({ server, mesh, trustedHops, rates, redisUrl, dashboardOrigins }: ControlPlaneConfig) =>
  Server.layer(
    { config: server, certificateFiles: mesh.certificateFiles, trustedHops, origins: dashboardOrigins },
    services,
  ).pipe(
    Layer.provide(Limits.layer({ program: "control-plane", rates, redisUrl })),
    Layer.provide(Authenticate.layer(mesh)),
    Layer.provide(Authorize.layer),
    Layer.provide(Layer.provide(Recording.layer, AuditLogStore.layer)),
  )
