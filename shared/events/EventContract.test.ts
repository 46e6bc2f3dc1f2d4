import { create } from "@bufbuild/protobuf"
import { DurationSchema } from "@bufbuild/protobuf/wkt"
import { assert, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import { Retention } from "#gen/authsome/mesh/v1/event_pb.ts"
import { eventContract } from "./EventContract.ts"
import { textEvent } from "./fixtures/testEvents.ts"

const complete = { stream: "STREAM", subject: "some.subject", retention: Retention.BROADCAST }

it("an event says where it travels, and for how long at most", () => {
  assert.deepStrictEqual(eventContract(textEvent(complete)), {
    name: "STREAM",
    subject: "some.subject",
    retention: "broadcast",
    maxAge: Duration.days(7),
  })
  const brief = textEvent({
    ...complete,
    retention: Retention.WORK_QUEUE,
    maxAge: create(DurationSchema, { seconds: 60n }),
  })
  assert.deepInclude(eventContract(brief), { retention: "workQueue", maxAge: Duration.seconds(60) })
})

it("a message that does not say all of it is refused by name", () => {
  const incomplete = [
    undefined,
    { ...complete, stream: "" },
    { ...complete, stream: "a.b" },
    { ...complete, subject: "" },
    { ...complete, subject: "all.>" },
    { ...complete, retention: Retention.UNSPECIFIED },
  ]
  for (const option of incomplete)
    assert.throws(() => eventContract(textEvent(option)), /google\.protobuf\.StringValue/)
})
