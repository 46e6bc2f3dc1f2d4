/** Every rpc says who may call it, for how long, and whether it may be repeated; every text has a bound. */
import { readdirSync } from "node:fs"
import { join, resolve } from "node:path"
import { pathToFileURL } from "node:url"
import {
  type DescField,
  type DescFile,
  type DescMessage,
  type DescMethod,
  getOption,
  hasOption,
  ScalarType,
} from "@bufbuild/protobuf"
import { MethodOptions_IdempotencyLevel as Idempotency } from "@bufbuild/protobuf/wkt"
import type { FieldRules, StringRules } from "@bufbuild/protovalidate/gen/buf/validate/validate_pb.js"
import { field as fieldRules } from "@bufbuild/protovalidate/gen/buf/validate/validate_pb.js"
import { describe, expect, it } from "vitest"
import { event as eventOption, Retention } from "#gen/authsome/mesh/v1/event_pb.ts"
import { Access, policy as policyOption } from "#gen/authsome/mesh/v1/policy_pb.ts"
import { http } from "#gen/google/api/annotations_pb.ts"
import { policyOf, rpcName } from "#shared/rpc/Policy.ts"

const root = resolve(import.meta.dirname, "../../gen/authsome")

const files: ReadonlyArray<DescFile> = (
  await Promise.all(
    readdirSync(root, { recursive: true, encoding: "utf8" })
      .filter((name) => name.endsWith("_pb.ts"))
      .map((name) => import(pathToFileURL(join(root, name)).href)),
  )
).flatMap((module: Record<string, unknown>) =>
  Object.values(module).filter((value): value is DescFile => isDescFile(value)),
)

function isDescFile(value: unknown): value is DescFile {
  return typeof value === "object" && value !== null && "kind" in value && value.kind === "file"
}

const methods = files.flatMap((file) => file.services.flatMap((service) => service.methods))
const nested = (message: DescMessage): ReadonlyArray<DescMessage> => [
  message,
  ...message.nestedMessages.flatMap(nested),
]
const messages = files.flatMap((file) => file.messages.flatMap(nested))

describe("the contract", () => {
  it("is found whole: five programs, the mesh, and the probe", () => {
    const packages = new Set(files.map((file) => file.proto.package))
    expect([...packages].sort()).toEqual(
      ["billing", "control", "identity", "mesh", "provisioner", "proxy", "testing"].map(
        (name) => `authsome.${name}.v1`,
      ),
    )
    expect(methods.length).toBeGreaterThan(80)
    expect(messages.length).toBeGreaterThan(200)
  })

  it.each(methods.map((method) => [rpcName(method), method] as const))(
    "%s has a policy, a deadline and an idempotency level",
    (_, method) => {
      expect(hasOption(method, policyOption)).toBe(true)
      expect(policyOf(method).deadlineMs).toBeLessThanOrEqual(3_600_000)
      expect(method.proto.options?.idempotencyLevel, "idempotency_level is not set").toBeDefined()
      expect(hasExplicitIdempotency(method), "idempotency_level is not set").toBe(true)
    },
  )

  it("gives every route of the outside to one rpc only", () => {
    const routes = methods.flatMap((method) => {
      if (!hasOption(method, http)) return []
      const rule = getOption(method, http)
      return [rule, ...rule.additionalBindings].map(
        ({ pattern }) => `${pattern.case} ${String(pattern.value)} @${method.parent.file.proto.package}`,
      )
    })
    expect(routes.filter((route, index) => routes.indexOf(route) !== index)).toEqual([])
  })

  it("never gives a REST route to what is internal to the mesh", () => {
    const wrong = methods.filter(
      (method) => hasOption(method, http) && getOption(method, policyOption).access === Access.INTERNAL,
    )
    expect(wrong.map(rpcName)).toEqual([])
  })

  it("bounds every text", () => {
    const unbounded = messages.flatMap((message) =>
      message.fields.filter((field) => !isBounded(field)).map((field) => `${message.typeName}.${field.name}`),
    )
    expect(unbounded).toEqual([])
  })

  it("gives every event a subject, a stream and a retention", () => {
    const events = messages.filter((message) => hasOption(message, eventOption))
    expect(events.length).toBeGreaterThan(5)
    for (const message of events) {
      const { subject, stream, retention } = getOption(message, eventOption)
      expect([subject, stream], message.typeName).toEqual([
        expect.stringMatching(/^[a-z]+\.[a-z]+$/),
        expect.stringMatching(/^[A-Z_]+$/),
      ])
      expect(retention, message.typeName).not.toBe(Retention.UNSPECIFIED)
    }
  })
})

/** Proto2 presence of the option itself: IDEMPOTENCY_UNKNOWN counts only when somebody wrote it. */
function hasExplicitIdempotency(method: DescMethod): boolean {
  const options = method.proto.options
  return (
    options !== undefined &&
    Object.hasOwn(options, "idempotencyLevel") &&
    options.idempotencyLevel in Object.values(Idempotency)
  )
}

function isBounded(field: DescField): boolean {
  if (field.fieldKind === "map") {
    const rules = rulesOf(field)
    const map = rules?.type.case === "map" ? rules.type.value : undefined
    const keys = field.mapKey !== ScalarType.STRING || hasStringBound(map?.keys)
    const values = field.mapKind !== "scalar" || field.scalar !== ScalarType.STRING || hasStringBound(map?.values)
    return keys && values
  }
  if (field.scalar !== ScalarType.STRING) return true
  const rules = rulesOf(field)
  if (field.fieldKind === "list") return rules?.type.case === "repeated" && hasStringBound(rules.type.value.items)
  return hasStringBound(rules)
}

const rulesOf = (field: DescField): FieldRules | undefined =>
  hasOption(field, fieldRules) ? getOption(field, fieldRules) : undefined

const hasStringBound = (rules: FieldRules | undefined): boolean =>
  rules?.type.case === "string" && isBound(rules.type.value)

const isBound = (rules: StringRules): boolean =>
  ["maxLen", "len", "maxBytes", "const"].some((name) => Object.hasOwn(rules, name)) ||
  rules.in.length > 0 ||
  rules.wellKnown.case !== undefined ||
  /^\^.*\$$/.test(rules.pattern)

// The descriptors carry no comments: buf lint's COMMENTS rules, part of `npm run check`, ask for them on every rpc and field.
