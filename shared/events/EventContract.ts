/** Where an event travels, as its message says by the option `authsome.mesh.v1.event`. */
import { type DescMessage, getOption, hasOption } from "@bufbuild/protobuf"
import * as Duration from "effect/Duration"
import { event, Retention } from "#gen/authsome/mesh/v1/event_pb.ts"
import type { StreamSettings } from "../nats/StreamSettings.ts"

/** Messages that nobody took are dropped after this time, where the event names none. */
const defaultMaxAge = Duration.days(7)

const names = /^[A-Za-z0-9_-]+$/
const subjects = /^[a-z0-9_-]+(\.[a-z0-9_-]+)*$/

const retentionOf = (schema: DescMessage, retention: Retention): StreamSettings["retention"] => {
  if (retention === Retention.WORK_QUEUE) return "workQueue"
  if (retention === Retention.BROADCAST) return "broadcast"
  throw new TypeError(`${schema.typeName} says for nobody to keep it: its event option has no retention`)
}

/**
 * The subject and stream of an event. A message without the option, or with a part of it missing, is a mistake in the
 * contract and refused by name.
 */
export const eventContract = (schema: DescMessage): StreamSettings => {
  if (!hasOption(schema, event)) throw new TypeError(`${schema.typeName} is no event: it has no event option`)
  const { subject, stream, retention, maxAge } = getOption(schema, event)
  if (!subjects.test(subject)) throw new TypeError(`${schema.typeName} has no subject that can be published`)
  if (!names.test(stream)) throw new TypeError(`${schema.typeName} has no stream that can be named`)
  return {
    name: stream,
    subject,
    retention: retentionOf(schema, retention),
    maxAge: maxAge === undefined ? defaultMaxAge : Duration.seconds(Number(maxAge.seconds)),
  }
}
