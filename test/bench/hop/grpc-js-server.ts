/** @grpc/grpc-js as its documentation serves, without any policy. */
import { Server, ServerCredentials, type ServerUnaryCall, type sendUnaryData } from "@grpc/grpc-js"
import { tellReady } from "../child.ts"
import { answerTo, type EchoRequest, type EchoResponse, echo } from "./echo.ts"

const server = new Server()
server.addService(
  { echo },
  {
    echo: (call: ServerUnaryCall<EchoRequest, EchoResponse>, done: sendUnaryData<EchoResponse>) =>
      done(null, answerTo(call.request)),
  },
)
server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, port) => {
  if (error !== null) throw error
  tellReady({ port })
})
