/** Calls that are well said, and refused. */
import { ErrorReason } from "#gen/authsome/mesh/v1/error_reason_pb.ts"
import { ProbeService } from "#gen/authsome/testing/v1/probe_pb.ts"
import { classes, type PublicError } from "#shared/rpc/PublicError.ts"
import type { Case } from "./casesCase.ts"
import type { Wire } from "./casesWire.ts"

const { echo, getItem, listItems, misbehave } = ProbeService.method
const invalid = { code: "invalid_argument" }

const codes = {
  InvalidRequest: "invalid_argument",
  Unauthenticated: "unauthenticated",
  PermissionDenied: "permission_denied",
  NotFound: "not_found",
  AlreadyExists: "already_exists",
  FailedPrecondition: "failed_precondition",
  Aborted: "aborted",
  ResourceExhausted: "resource_exhausted",
  Unavailable: "unavailable",
  Unimplemented: "unimplemented",
  DeadlineExceeded: "deadline_exceeded",
  Canceled: "canceled",
  Internal: "internal",
} satisfies Record<PublicError["_tag"], string>

/** The kit's own kinds of refusal, each with its facts. */
const refusals: ReadonlyArray<Case> = Object.keys(classes).map((how) => ({
  name: `${how} keeps its reason, facts, retry time and message`,
  ask: { method: misbehave, request: { how, reason: ErrorReason.SLUG_TAKEN } },
  expected: {
    code: Object.entries(codes).find(([tag]) => tag === how)?.[1] ?? "",
    message: "as asked: 50 % ünïcode",
    reason: "SLUG_TAKEN",
    metadata: { slug: "acme" },
    retryAfterMs: 1500,
  },
}))

const byTheServer: ReadonlyArray<Case> = [
  {
    name: "a broken rule names its field",
    ask: { method: echo, request: { item: { displayName: "" } } },
    expected: {
      code: "invalid_argument",
      reason: "INVALID_REQUEST",
      violations: [{ field: "item.display_name", description: "must be at least 1 characters" }],
    },
  },
  {
    name: "a missing field is named",
    ask: { method: echo },
    expected: { ...invalid, violations: [{ field: "item", description: "value is required" }] },
  },
  {
    name: "a caller without credentials is refused",
    ask: { method: getItem, request: { itemId: "x" } },
    expected: { code: "unauthenticated", reason: "UNAUTHENTICATED" },
  },
  ...["defect", "garbled"].map((how) => ({
    name: `a defect is hidden (${how})`,
    ask: { method: misbehave, request: { how } },
    expected: { code: "internal", message: "internal error", reason: "INTERNAL", metadata: {} },
  })),
  {
    name: "a deadline ends the handler",
    ask: { method: misbehave, request: { how: "slow" }, headers: (wire) => wire.timeout(40) },
    expected: { code: "deadline_exceeded", reason: "DEADLINE_EXCEEDED" },
  },
  {
    name: "no time at all is too little",
    ask: { method: misbehave, request: { how: "slow" }, headers: (wire) => wire.timeout(0) },
    expected: { code: "deadline_exceeded" },
  },
  ...["abc", "-1m", "123456789123m", ""].map((value) => ({
    name: `a malformed timeout is refused ("${value}")`,
    ask: {
      method: listItems,
      headers: (wire: Wire) => Object.fromEntries(Object.keys(wire.timeout(1)).map((name) => [name, value])),
    },
    expected: invalid,
  })),
]

/** Where there is nothing to call. */
const elsewhere: ReadonlyArray<Case> = [
  ...["/authsome.testing.v1.ProbeService/Nothing", "/authsome.testing.v1.NoService/Echo"].flatMap((path) => [
    {
      name: `an unknown rpc is unimplemented (${path})`,
      ask: { method: listItems, path },
      expected: (wire: Wire) => ({ code: "unimplemented", raw: { status: wire.framed ? 200 : 404 } }),
    },
  ]),
  {
    name: "another content type is refused",
    ask: { method: listItems, headers: () => ({ "content-type": "text/plain" }) },
    expected: { raw: { status: 415 } },
  },
  {
    name: "GET changes nothing",
    ask: { method: misbehave, verb: "GET" },
    expected: { raw: { status: 405 } },
  },
]

export const refused: ReadonlyArray<Case> = [...refusals, ...byTheServer, ...elsewhere]
