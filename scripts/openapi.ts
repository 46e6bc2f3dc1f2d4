// openapi.json from the contracts: every REST route that somebody outside may call. With --check: fails where the
// committed file is not what the contracts say.
import { existsSync, readFileSync, writeFileSync } from "node:fs"
import type { DescService } from "@bufbuild/protobuf"
import { StripeWebhookService } from "#gen/authsome/billing/v1/stripe_pb.ts"
import { AccountService } from "#gen/authsome/control/v1/account_service_pb.ts"
import { ApplicationService } from "#gen/authsome/control/v1/application_pb.ts"
import { AuditService } from "#gen/authsome/control/v1/audit_event_pb.ts"
import { InvoiceService } from "#gen/authsome/control/v1/invoice_pb.ts"
import { KeyService } from "#gen/authsome/control/v1/key_pb.ts"
import { MemberService } from "#gen/authsome/control/v1/member_pb.ts"
import { PaymentMethodService } from "#gen/authsome/control/v1/payment_method_pb.ts"
import { UsageService } from "#gen/authsome/control/v1/usage_pb.ts"
import { WebhookService } from "#gen/authsome/control/v1/webhook_pb.ts"
import { WorkspaceService } from "#gen/authsome/control/v1/workspace_pb.ts"
import { ClaimsService } from "#gen/authsome/identity/v1/claims_pb.ts"
import { SigningKeyService } from "#gen/authsome/identity/v1/keys_pb.ts"
import { TenantOrganizationService } from "#gen/authsome/identity/v1/organization_pb.ts"
import { TenantAuditService } from "#gen/authsome/identity/v1/tenant_audit_pb.ts"
import { TenantAuthService } from "#gen/authsome/identity/v1/tenant_auth_pb.ts"
import { TenantSessionService } from "#gen/authsome/identity/v1/tenant_session_pb.ts"
import { TenantUserService } from "#gen/authsome/identity/v1/tenant_user_pb.ts"
import { type Gateway, openApi } from "#shared/rpc/rest/openapi/openApi.ts"
import { protoComments } from "./protoComments.ts"

const path = "openapi.json"

const methodsOf = (...services: ReadonlyArray<DescService>) => services.flatMap(({ methods }) => methods)

const number = { type: "integer", minimum: 0 }

/** What the proxy asks, refuses and adds. */
const proxy: Gateway = {
  access: "INSTANCE_KEY",
  reasons: [
    "INVALID_KEY",
    "SCOPE_MISSING",
    "UNKNOWN_APPLICATION",
    "APPLICATION_PROVISIONING",
    "APPLICATION_SUSPENDED",
    "APPLICATION_FAILED",
    "APPLICATION_DELETING",
    "INSTANCE_UNAVAILABLE",
    "RATE_LIMITED",
  ],
  headers: {
    "X-AuthSome-App-ID": { description: "The application that answered.", schema: { type: "string" } },
    "X-AuthSome-Request-ID": { description: "Finds the call in the log.", schema: { type: "string" } },
    "X-AuthSome-Region": { description: "The region of the proxy.", schema: { type: "string" } },
    "X-RateLimit-Limit": { description: "How many calls the caller, or the key, may make at once.", schema: number },
    "X-RateLimit-Remaining": { description: "How many of them are left.", schema: number },
    "X-RateLimit-Reset": { description: "When all of them are there again. Unix seconds.", schema: number },
  },
}

const tenantApi = {
  url: "https://api.example/v1/{appId}",
  description: "The auth server of one application, behind the proxy.",
  variables: { appId: { default: "app_aaaaaaaaaaaaaaaa", description: "The application's id." } },
}

const document = openApi({
  info: {
    title: "AuthSome Cloud",
    version: "v1",
    description: [
      "The control plane under `/control/v1`, for the dashboard and automation; the API of every application's own auth",
      "server under `/v1/{appId}`, for the customer's programs and browsers; and what Zitadel and Stripe call.",
      "Unset fields are left out of answers or have their type's zero value, as each schema says; in requests `null` is",
      "the same as leaving a field out.",
    ].join(" "),
  },
  servers: [{ url: "https://api.example", description: "The control plane." }],
  surfaces: [
    {
      methods: methodsOf(
        AccountService,
        WorkspaceService,
        MemberService,
        ApplicationService,
        KeyService,
        WebhookService,
        UsageService,
        InvoiceService,
        PaymentMethodService,
        AuditService,
      ),
    },
    {
      methods: methodsOf(
        TenantAuthService,
        TenantSessionService,
        TenantUserService,
        TenantOrganizationService,
        TenantAuditService,
        SigningKeyService,
      ),
      servers: [tenantApi],
      gateway: proxy,
    },
    {
      methods: methodsOf(ClaimsService),
      servers: [{ url: "https://identity.example", description: "The identity service, inside the installation." }],
    },
    {
      methods: methodsOf(StripeWebhookService),
      servers: [{ url: "https://billing.example", description: "Billing." }],
    },
  ],
  comments: protoComments("proto"),
})

const text = `${JSON.stringify(document, null, 2)}\n`
if (!process.argv.includes("--check")) writeFileSync(path, text)
else if (!existsSync(path) || readFileSync(path, "utf8") !== text) {
  console.error(`${path} is not what the contracts say; run \`npm run gen\``)
  process.exit(1)
}
