/**
 * The rpcs whose turn has not come, by service: they are in the contract, they are served, and they answer
 * `UNIMPLEMENTED`. An rpc leaves this list when it gets a handler; naming one that has a handler does not compile.
 */
export const pending = {
  // control-plane
  AccountService: ["verifyTotp", "requestPasswordReset", "resetPassword", "enrollTotp", "confirmTotp", "disableTotp"],
  WorkspaceService: ["deleteWorkspace"],
  MemberService: ["inviteMember", "updateMember", "removeMember", "acceptInvitation"],
  ApplicationService: [
    "updateApplication",
    "deleteApplication",
    "undeleteApplication",
    "restartApplication",
    "listApplicationLogs",
    "getApplicationMetrics",
  ],
  "control.InvoiceService": ["listInvoices", "getInvoice", "downloadInvoice"],
  PaymentMethodService: ["setPaymentMethod"],
  WebhookService: [
    "createWebhook",
    "listWebhooks",
    "updateWebhook",
    "deleteWebhook",
    "listDeliveries",
    "redeliverWebhook",
  ],

  // proxy

  // provisioner

  // identity

  // billing
  "billing.UsageService": ["getApplicationMetrics", "estimateCost"],
  "billing.InvoiceService": ["listInvoices", "getInvoice", "renderInvoice", "generateInvoices"],
  BillingAccountService: ["setPaymentMethod", "getBillingAccount", "upsertBillingAccount"],
  PlanService: ["getPlan", "listPlans"],
  StripeWebhookService: ["receiveStripeEvent"],
} as const
