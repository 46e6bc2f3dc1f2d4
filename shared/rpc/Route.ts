/**
 * One rpc as a server runs it, whatever the protocol: identity, rate, validation, permission, handler, in this order,
 * inside one span and one deadline. This is the only place where a policy is enforced.
 */
import type { DescMethod, DescMethodServerStreaming, DescMethodUnary, Message } from "@bufbuild/protobuf"
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import { isSqlError } from "effect/sql/SqlError"
import * as Tracer from "effect/Tracer"
import { RequestId, requestIdHeader } from "../telemetry/RequestId.ts"
import { parseTraceparent, traceparentHeader } from "../telemetry/traceparent.ts"
import type { AdmissionGate } from "./AdmissionGate.ts"
import { Authentication, Authorization, Call, Caller, type CallerIdentity, type CallFacts } from "./Caller.ts"
import { Deadline } from "./Deadline.ts"
import { type Implementation, messageOf, type StreamHandler, type UnaryHandler } from "./Handlers.ts"
import { clientAddress } from "./http/clientAddress.ts"
import { limitOf } from "./limits/limiter.ts"
import { observeCall } from "./metrics.ts"
import { type Policy, policyOf, rpcName } from "./Policy.ts"
import {
  Canceled,
  DeadlineExceeded,
  Internal,
  isPublicError,
  PermissionDenied,
  type PublicError,
  Unauthenticated,
  Unavailable,
} from "./PublicError.ts"
import { RateLimits } from "./RateLimits.ts"
import { type Admitted, answerOf, Recorder } from "./Recorder.ts"
import { type FieldNames, violationsOf } from "./validation.ts"

/** What a protocol knows of a call before its handler runs. */
export interface CallInit {
  readonly protocol: "grpc" | "connect" | "rest"
  readonly requestId: string
  /** A request header by its lower-case name. */
  readonly header: (name: string) => string | undefined
  /** The body as it came, for an rpc whose access is a signature over it. */
  readonly body?: Uint8Array | undefined
  readonly remoteAddress: string
  /** The program that the connection's certificate names. */
  readonly certifiedPeer?: string | undefined
  /** What the caller allows, in milliseconds; undefined: as long as the policy does. */
  readonly timeoutMs: number | undefined
  /** How violations name fields. */
  readonly fieldNames: FieldNames
  readonly setHeader: (name: string, value: string) => void
}

export type Outcome =
  | { readonly ok: true; readonly message: Message }
  | { readonly ok: false; readonly error: PublicError }

/** Stops a running call; its outcome is then `why`. */
export type Stop = (why: PublicError) => void

export interface UnaryRoute {
  readonly method: DescMethodUnary
  readonly policy: Policy
  /**
   * Runs the rpc and calls `done` exactly once, at once where nothing had to be waited for; else returns how to stop. A
   * request that could not be read is refused, but not before the caller is known: strangers learn nothing of it.
   */
  readonly run: (request: Message | PublicError, init: CallInit, done: (outcome: Outcome) => void) => Stop | undefined
  /** What `write` makes of an answer; an answer that cannot be written is a defect of its handler. */
  readonly encoded: <A>(write: () => A) => A | Internal
}

export interface StreamRoute {
  readonly method: DescMethodServerStreaming
  readonly policy: Policy
  /** The responses; throws a public error. Ends when `signal` aborts or the reader stops. */
  readonly open: (request: Message, init: CallInit, signal: AbortSignal) => AsyncIterable<Message>
}

export interface Routes {
  readonly unary: ReadonlyArray<UnaryRoute>
  readonly streaming: ReadonlyArray<StreamRoute>
}

export const hungUp = new Canceled({ reason: "CANCELED", message: "the caller hung up" })
const tooLate = new DeadlineExceeded({ reason: "DEADLINE_EXCEEDED", message: "the call took longer than its deadline" })
export const stopping = new Unavailable({
  reason: "UNAVAILABLE",
  message: "the server is shutting down",
  retryAfterMs: 1000,
})
const databaseAway = new Unavailable({
  reason: "UNAVAILABLE",
  message: "the database is away for now",
  retryAfterMs: 1000,
})
const unexpectedPeer = new PermissionDenied({
  reason: "PERMISSION_DENIED",
  message: "the contract does not name this program as a caller",
})
const defect = new Internal({ reason: "INTERNAL", message: "internal error" })

type Base = Context.Context<Authentication | Authorization>

/**
 * Compiles the rpcs of `implementations` into routes. Dies where a contract has no complete policy. So many programs of
 * ours in front of this one, `trustedHops`, are believed in what they say of a caller's address.
 */
export const compileRoutes = (
  implementations: ReadonlyArray<Implementation>,
  gate: AdmissionGate,
  trustedHops = 0,
): Effect.Effect<Routes, never, Authentication | Authorization> =>
  Effect.contextWith((context: Base) =>
    Effect.sync(() => {
      // A flat base, so that what each call adds to it is an overlay and never a copy of all services.
      const base: Base = Context.makeUnsafe(new Map(context.mapUnsafe))
      return {
        unary: implementations.flatMap(({ unary }) =>
          [...unary].map(([method, handler]) => unaryRoute(method, handler, { base, gate, trustedHops })),
        ),
        streaming: implementations.flatMap(({ streaming }) =>
          [...streaming].map(([method, handler]) => streamRoute(method, handler, { base, gate, trustedHops })),
        ),
      }
    }),
  )

/** What all rpcs of a process have in common. */
interface Surroundings {
  readonly base: Base
  readonly gate: AdmissionGate
  readonly trustedHops: number
}

const unaryRoute = (desc: DescMethod, handler: UnaryHandler, surroundings: Surroundings): UnaryRoute => {
  const method = desc as DescMethodUnary
  const { base, gate } = surroundings
  const guard = guardOf(method, surroundings, handler.pending === true)
  const observe = observeCall(guard.rpc, base)
  const output = messageOf(method)
  const answer = answerOf(method, guard.policy, handler, Option.getOrUndefined(Context.getOption(base, Recorder)))

  return {
    method,
    policy: guard.policy,
    encoded: (write) => {
      try {
        return write()
      } catch (cause) {
        // The writers throw plain errors for every way in which a value is not what its field says.
        Effect.runForkWith(base)(logDefects(Cause.die(cause), guard.rpc))
        return defect
      }
    },
    run: (request, init, done) => {
      const call = guard.begin(init)
      const startedAt = performance.now()
      let why: PublicError | undefined
      let timer: NodeJS.Timeout | undefined
      let interrupt: (() => void) | undefined
      let settled = false

      const finish = (outcome: Outcome): void => {
        settled = true
        clearTimeout(timer)
        observe(outcome, performance.now() - startedAt)
        if (guard.policy.accessLog) guard.logAccess(call, request, outcome)
        done(outcome)
      }
      const start = (): void => {
        const program = guard.traced(
          isPublicError(request)
            ? Effect.andThen(guard.identify(call), Effect.fail(request))
            : Effect.flatMap(guard.admit(request, call), (admitted) =>
                Effect.provideService(answer(request, call.facts, admitted), Caller, admitted.caller),
              ),
          call,
        )
        const fiber = Effect.runForkWith(call.context)(program)
        const settle = (exit: Exit.Exit<object, PublicError>): void => {
          gate.leave()
          finish(guard.outcomeOf(exit, why, output))
        }
        const exit = fiber.pollUnsafe()
        if (exit !== undefined) return settle(exit)
        interrupt = () => fiber.interruptUnsafe()
        fiber.addObserver(settle)
      }

      const leaveQueue = gate.enter(start, (error) => finish({ ok: false, error }))
      if (settled) return undefined
      const stop: Stop = (reason) => {
        if (settled) return
        why ??= reason
        if (interrupt !== undefined) return interrupt()
        leaveQueue?.()
        finish({ ok: false, error: reason })
      }
      timer = setTimeout(() => stop(tooLate), call.limitMs)
      return stop
    },
  }
}

const streamRoute = (desc: DescMethod, handler: StreamHandler, surroundings: Surroundings): StreamRoute => {
  const method = desc as DescMethodServerStreaming
  const guard = guardOf(method, surroundings, false)
  const observe = observeCall(guard.rpc, surroundings.base)

  return {
    method,
    policy: guard.policy,
    open: (request, init, signal) => {
      const call = guard.begin(init)
      const startedAt = performance.now()
      const admitted = Effect.map(guard.admit(request, call), ({ caller }) =>
        Stream.provideService(handler(request), Caller, caller),
      )
      const messages = Stream.unwrap(admitted).pipe(
        Stream.map(messageOf(method)),
        // An async generator queues return() behind a pending next(): only the signal can stop a silent stream.
        Stream.interruptWhen(aborted(signal)),
        Stream.interruptWhen(Effect.andThen(Effect.sleep(call.limitMs), Effect.fail(tooLate))),
        Stream.onExit((exit) =>
          Effect.sync(() => {
            const outcome = guard.outcomeOf(
              Exit.map(exit, () => ({})),
              undefined,
              () => request,
            )
            observe(outcome, performance.now() - startedAt)
            if (guard.policy.accessLog) guard.logAccess(call, request, outcome)
          }),
        ),
        Stream.catchCause((cause) =>
          Stream.unwrap(Effect.as(guard.logMistakes(cause), Stream.die(guard.errorOf(cause, undefined)))),
        ),
        Stream.withSpan(guard.rpc, guard.spanOptions(call)),
      )
      return Stream.toAsyncIterableWith(messages, call.context)
    },
  }
}

interface RunningCall {
  readonly facts: CallFacts
  readonly context: Context.Context<Authentication | Authorization | Call>
  readonly limitMs: number
  readonly init: CallInit
}

/** What stands in front of the handler of one rpc. */
const guardOf = (method: DescMethod, { base, trustedHops }: Surroundings, isPending: boolean) => {
  const policy = policyOf(method)
  const rpc = rpcName(method)
  const clock = Context.get(base, Clock.Clock)
  const authorization = Context.get(base, Authorization)
  const authenticate = authenticator(policy, rpc, base)
  const limit = isPending
    ? undefined
    : limitOf(method, policy, Option.getOrUndefined(Context.getOption(base, RateLimits)))
  const scope = method.input.fields.find((field) => field.name === policy.scope)

  const begin = (init: CallInit): RunningCall => {
    const facts: CallFacts = {
      rpc,
      requestId: init.requestId,
      remoteAddress:
        trustedHops === 0
          ? init.remoteAddress
          : clientAddress(init.remoteAddress, init.header("x-forwarded-for"), trustedHops),
      certifiedPeer: init.certifiedPeer,
      header: init.header,
      body: init.body,
      setHeader: init.setHeader,
    }
    init.setHeader(requestIdHeader, init.requestId)
    const limitMs = Math.min(policy.deadlineMs, init.timeoutMs ?? policy.deadlineMs)
    const context = base.pipe(
      Context.add(Call, facts),
      Context.add(RequestId, init.requestId),
      Context.add(Deadline, clock.currentTimeMillisUnsafe() + limitMs),
    )
    return { facts, context, limitMs, init }
  }

  const recognise = (facts: CallFacts): Effect.Effect<CallerIdentity, PublicError> =>
    Effect.flatMap(authenticate(facts), (caller) =>
      isExpected(policy, caller) ? Effect.succeed(caller) : Effect.fail(unexpectedPeer),
    )

  /** Who calls, and that they may call once more. */
  const identify =
    limit === undefined
      ? recognise
      : (facts: CallFacts) => Effect.tap(recognise(facts), (caller) => limit(caller, facts))

  /** Identity and rate, then the request's rules, then the permission: no handler runs without all of them. */
  const admit = (request: Message, facts: CallFacts, names: FieldNames): Effect.Effect<Admitted, PublicError> =>
    Effect.flatMap(identify(facts), (caller) => {
      const invalid = violationsOf(method.input, request, names)
      if (invalid !== undefined) return Effect.fail(invalid)
      if (policy.permission === "") return Effect.succeed({ caller, grant: {} })
      const resource = scope === undefined ? "" : fieldText(request, scope.localName)
      return Effect.flatMap(
        authorization.authorize(caller, { permission: policy.permission, field: policy.scope, resource }),
        (grant) => (isGrant(grant) ? Effect.succeed({ caller, grant }) : Effect.die(new Error("nothing was granted"))),
      )
    })

  const attributesOf = (protocol: CallInit["protocol"]) => ({
    "rpc.system": protocol,
    "rpc.service": method.parent.typeName,
    "rpc.method": method.name,
  })
  const attributes = { grpc: attributesOf("grpc"), connect: attributesOf("connect"), rest: attributesOf("rest") }

  const spanOptions = ({ init }: RunningCall) => {
    const header = init.header(traceparentHeader)
    const parent = header === undefined ? undefined : Option.getOrUndefined(parseTraceparent(header))
    return {
      kind: "server" as const,
      captureStackTrace: false, // an Error for each span would cost 25 µs
      attributes: attributes[init.protocol],
      ...(parent === undefined ? {} : { parent }),
    }
  }

  /** What the caller sees of a failed call; that it was refused for a reason of no contract is hidden as a defect. */
  const errorOf = (cause: Cause.Cause<unknown>, why: PublicError | undefined): PublicError => {
    const error = publicErrorOf(cause, why)
    return policy.reasons.has(error.reason) ? error : defect
  }

  const outcomeOf = (
    exit: Exit.Exit<object, PublicError>,
    why: PublicError | undefined,
    output: (value: object) => Message,
  ): Outcome =>
    Exit.isSuccess(exit) ? { ok: true, message: output(exit.value) } : { ok: false, error: errorOf(exit.cause, why) }

  const logMistakes = (cause: Cause.Cause<unknown>): Effect.Effect<void> => {
    const { reason } = publicErrorOf(cause, undefined)
    return policy.reasons.has(reason)
      ? logDefects(cause, rpc)
      : Effect.annotateLogs(Effect.logError(`a call was refused for ${reason}, which its contract lacks`, cause), {
          rpc,
        })
  }

  // What `withSpan` does beyond this is keep a frame for pretty stacks, which no log of ours shows: a quarter of its cost.
  const traced = <A, R>(effect: Effect.Effect<A, PublicError, R>, call: RunningCall) =>
    Effect.useSpan(rpc, spanOptions(call), (span) =>
      Effect.provideService(Effect.tapCause(effect, logMistakes), Tracer.ParentSpan, span),
    )

  const logAccess = (call: RunningCall, request: Message | PublicError, outcome: Outcome): void => {
    Effect.runForkWith(call.context)(
      Effect.logInfo("access").pipe(
        Effect.annotateLogs({
          rpc,
          outcome: outcome.ok ? "OK" : outcome.error.reason,
          remote_address: call.facts.remoteAddress,
          ...(scope === undefined || isPublicError(request)
            ? {}
            : { [policy.scope]: fieldText(request, scope.localName) }),
        }),
      ),
    )
  }

  return {
    policy,
    rpc,
    begin,
    identify: (call: RunningCall) => identify(call.facts),
    admit: (request: Message, call: RunningCall) => admit(request, call.facts, call.init.fieldNames),
    spanOptions,
    traced,
    outcomeOf,
    errorOf,
    logMistakes,
    logAccess,
  }
}

/** How callers of this policy are told apart. An access kind that the process cannot check is refused, and said so. */
const authenticator = (policy: Policy, rpc: string, base: Base) => {
  const known = Context.get(base, Authentication)[policy.access]
  if (policy.access === "PUBLIC") return known ?? (() => Effect.succeed<CallerIdentity>({ _tag: "Anonymous" }))
  const unknown = () =>
    Effect.andThen(
      Effect.logError(`${rpc} is refused: this process cannot check callers of ${policy.access}`),
      Effect.fail(
        new Unauthenticated({ reason: "UNAUTHENTICATED", message: "this call cannot be authenticated here" }),
      ),
    )
  return known ?? unknown
}

/** Whether the contract lets this program of the mesh call. */
const isExpected = ({ callers }: Policy, caller: CallerIdentity): boolean =>
  callers.length === 0 || (caller._tag === "Peer" && callers.includes(caller.name))

/** Types say so, but who may do what is no matter of types alone. */
const isGrant = (grant: unknown): boolean => typeof grant === "object" && grant !== null

const fieldText = (request: Message, localName: string): string => {
  const value: unknown = Reflect.get(request, localName)
  return typeof value === "string" ? value : ""
}

/** What the caller sees of a failed handler. `why` explains an interruption that the server itself ordered. */
const publicErrorOf = (cause: Cause.Cause<unknown>, why: PublicError | undefined): PublicError => {
  for (const reason of cause.reasons) {
    if (Cause.isFailReason(reason) && isPublicError(reason.error)) return reason.error
    if (Cause.isDieReason(reason) && isPublicError(reason.defect)) return reason.defect
    if (Cause.isDieReason(reason) && isSqlError(reason.defect) && reason.defect.isRetryable) return databaseAway
  }
  return Cause.hasInterruptsOnly(cause) ? (why ?? stopping) : defect
}

const logDefects = (cause: Cause.Cause<unknown>, rpc: string): Effect.Effect<void> =>
  Cause.hasDies(cause) ? Effect.annotateLogs(Effect.logError("a handler died", cause), { rpc }) : Effect.void

const aborted = (signal: AbortSignal): Effect.Effect<never, PublicError> =>
  Effect.callback<never, PublicError>((resume) => {
    const fail = () => resume(Effect.fail(isPublicError(signal.reason) ? signal.reason : hungUp))
    if (signal.aborted) return fail()
    signal.addEventListener("abort", fail, { once: true })
    return Effect.sync(() => signal.removeEventListener("abort", fail))
  })
