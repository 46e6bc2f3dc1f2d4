/** Changes that the control plane announces, to this process as to every other. */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { KeysChangedSchema } from "#gen/authsome/control/v1/events_pb.ts"
import { subscribe } from "#shared/events/Subscriber.ts"
import { Routes } from "./Routes.ts"

export const layer = Layer.unwrap(
  Effect.map(Routes, (routes) =>
    subscribe(KeysChangedSchema, ({ applicationId, keyDigests, version }) =>
      routes.change({
        applicationId,
        digests: keyDigests.map((digest) => Buffer.from(digest).toString("hex")),
        version: Number(version),
      }),
    ),
  ),
)
