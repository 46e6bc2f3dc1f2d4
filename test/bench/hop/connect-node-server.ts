/** connect-node as its documentation serves gRPC, without any policy. */
import { createServer } from "node:http2"
import { connectNodeAdapter } from "@connectrpc/connect-node"
import { ProbeService } from "#gen/authsome/testing/v1/probe_pb.ts"
import { tellReady } from "../child.ts"

const adapter = connectNodeAdapter({
  routes: (router) => {
    router.service(ProbeService, {
      echo: ({ item, requestId }) => ({ ...(item === undefined ? {} : { item }), requestId }),
    })
  },
})
const server = createServer(adapter)

server.listen(0, "127.0.0.1", () => tellReady(server.address()))
