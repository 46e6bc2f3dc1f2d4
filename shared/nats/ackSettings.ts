import * as Duration from "effect/Duration"
import { nanos } from "nats"

/** So many messages of a consumer may be on their way at a time, in all its processes. */
const maxAckPending = 1000

/** What the server lets a consumer change when it exists. */
export const ackSettings = (ackWait: Duration.Duration) => ({
  ack_wait: nanos(Duration.toMillis(ackWait)),
  max_ack_pending: maxAckPending,
})
