import type * as Context from "effect/Context"
import type * as Exit from "effect/Exit"
import * as Hex from "effect/encoding/Hex"
import * as Option from "effect/Option"
import type * as Tracer from "effect/Tracer"

const nothing: ReadonlyMap<string, unknown> = new Map()

/** A span that nobody will see: it keeps its identity, for logs and for the next program, and records nothing. */
export class SilentSpan implements Tracer.Span {
  readonly _tag = "Span"
  /** The caller's decision goes on to the next program, which may well record. */
  readonly sampled: boolean
  readonly name: string
  readonly parent: Option.Option<Tracer.AnySpan>
  readonly annotations: Context.Context<never>
  readonly kind: Tracer.SpanKind
  readonly attributes: ReadonlyMap<string, unknown> = nothing
  readonly links: ReadonlyArray<Tracer.SpanLink> = []
  status: Tracer.SpanStatus
  #traceId: string | undefined
  #spanId: string | undefined

  constructor(options: Parameters<Tracer.Tracer["span"]>[0]) {
    this.name = options.name
    this.parent = options.parent
    this.annotations = options.annotations
    this.kind = options.kind
    this.sampled = options.sampled && Option.isSome(options.parent) && options.parent.value.sampled
    this.status = { _tag: "Started", startTime: options.startTime }
  }

  get traceId(): string {
    this.#traceId ??= Option.isSome(this.parent) ? this.parent.value.traceId : Hex.random(32)
    return this.#traceId
  }

  get spanId(): string {
    this.#spanId ??= Hex.random(16)
    return this.#spanId
  }

  end(endTime: bigint, exit: Exit.Exit<unknown, unknown>): void {
    this.status = { _tag: "Ended", startTime: this.status.startTime, endTime, exit }
  }

  attribute(): void {}
  event(): void {}
  addLinks(): void {}
}
