/** The handlers of what only REST can get wrong. */

import { create } from "@bufbuild/protobuf"
import * as Effect from "effect/Effect"
import { RestProbeService } from "#gen/authsome/testing/v1/probe_pb.ts"
import { HttpBodySchema } from "#gen/google/api/httpbody_pb.ts"
import * as Handlers from "#shared/rpc/Handlers.ts"

/** The file of every item: bytes that are no text. */
export const bytes = Uint8Array.from([0x25, 0x50, 0x44, 0x46, 0x00, 0xff, 0x0a])

/** Items whose download has no name, no type or no file. */
const odd = new Set(["itm_nameless", "itm_typeless", "itm_none", "itm_mistyped"])

export const layer = Handlers.layer(
  RestProbeService,
  Effect.succeed({
    updateItem: ({ item }) => Effect.succeed(item === undefined ? {} : { item }),
    downloadItem: ({ itemId }) => {
      if (itemId === "itm_none") return Effect.succeed({ fileName: "nothing.pdf" })
      const contentType =
        itemId === "itm_typeless" ? "" : itemId === "itm_mistyped" ? "text/html\r\nx: y" : "application/pdf"
      const fileName = odd.has(itemId) ? "" : `Rechnung „${itemId}".pdf`
      return Effect.succeed({ fileName, document: create(HttpBodySchema, { contentType, data: bytes }) })
    },
  }),
)
