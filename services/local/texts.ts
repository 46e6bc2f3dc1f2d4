/** What `npm start` says at its end, and when it is asked what it can do. */
import * as Record from "effect/Record"
import type { listeners } from "./Config.ts"
import type { StackState } from "./Stack.ts"

/** The table of URLs, the demo's keys, and a request to paste. */
export const summary = ({ services, backing, demo, secretsFile }: StackState, time: string): string => {
  const rows = [
    ["", "HTTP", "gRPC"],
    ["control plane", services.controlPlane.http, services.controlPlane.grpc],
    ["proxy", services.proxy.http, services.proxy.grpc],
    ["provisioner", services.provisioner.http, services.provisioner.grpc],
    ["identity (Nova)", services.identity.http, services.identity.grpc],
    ["billing", services.billing.http, services.billing.grpc],
  ]
  const things = [
    ["PostgreSQL", withoutPassword(backing.postgres)],
    ["Redis", withoutPassword(backing.redis)],
    ["NATS", withoutPassword(backing.nats)],
    ["mail", backing.mailDir === null ? withoutPassword(backing.smtp) : `${backing.smtp}  →  ${backing.mailDir}`],
    ["secrets", secretsFile],
  ]
  const keys = [
    ["demo user", demo.email],
    ["password", demo.password],
    ["workspace", demo.workspaceId],
    ["application", demo.applicationId],
    ["public key", demo.publicKey],
    ["secret key", demo.secretKey],
    ["API", demo.apiUrl],
  ]
  return [
    "",
    `Ready in ${time}.`,
    ...[rows, things, keys].flatMap((table) => ["", ...aligned(table)]),
    "",
    "Sign up an end user of the demo application:",
    "",
    ...curl(demo).map((line) => `  ${line}`),
    "",
    "Ctrl-C stops everything.",
  ].join("\n")
}

const curl = ({ apiUrl, publicKey }: StackState["demo"]): ReadonlyArray<string> => [
  `curl -i ${apiUrl}/auth/signup \\`,
  `  -H 'Authorization: Bearer ${publicKey}' \\`,
  "  -H 'Content-Type: application/json' \\",
  `  -d '{"email":"ada-'$(date +%s)-$RANDOM'@example.com","password":"correct horse battery","name":"Ada"}'`,
]

const aligned = (table: ReadonlyArray<ReadonlyArray<string>>): ReadonlyArray<string> => {
  const widths = (table[0] ?? []).map((_, column) => Math.max(...table.map((row) => row[column]?.length ?? 0)))
  return table.map((row) => `  ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join("  ")}`.trimEnd())
}

const withoutPassword = (url: string): string => {
  const shown = new URL(url)
  shown.password = ""
  return shown.href
}

/** What `npm start -- --help` says. */
export const help = (all: typeof listeners): string =>
  [
    "npm start — the whole stack from one command, until Ctrl-C.",
    "",
    "Brings PostgreSQL, Redis, NATS and a mail sink of its own, migrates, starts the five services, and makes a demo",
    "application. Everything it keeps is in .local/ and survives a restart; .local/stack.json lists every URL and process",
    "while the stack is ready. Variables that change this:",
    "",
    ...aligned([
      ["STACK_DIR", "the folder for everything, instead of .local"],
      ["PORTS=auto", "free ports for everything that has no port set"],
      ["DATABASE_URL", "a PostgreSQL of yours, as a role that may make databases and roles"],
      ["REDIS_URL", "a Redis of yours"],
      ["NATS_URL", "a NATS of yours, with JetStream"],
      ["SMTP_URL", "a mail server of yours: mails are really sent"],
      ["ZITADEL_URL", "a Zitadel that the identity service notes claims in; docs/zitadel.md names the others"],
      ["LOG_LEVEL", "trace, debug, info (unless set), warn, error, fatal or none"],
      ["SHUTDOWN_GRACE", 'how long a service may take to stop, such as "5 seconds" (unless set)'],
      ...Record.values(all).map(({ who, variable, port }) => [variable, `the port of ${who} (${port})`]),
    ]).map((line) => line),
  ].join("\n")
