/** @grpc/grpc-js's client. */
import { Client, credentials } from "@grpc/grpc-js"
import { answer, tellReady } from "../child.ts"
import { repeat } from "../repeat.ts"
import { type EchoRequest, type EchoResponse, echo } from "./echo.ts"
import { isCalls, makeRequest } from "./payload.ts"

const client = new Client(new URL(process.argv[2] ?? "").host, credentials.createInsecure())

const call = (request: EchoRequest) =>
  new Promise<EchoResponse | undefined>((resolve, reject) => {
    const { path, requestSerialize, responseDeserialize } = echo
    client.makeUnaryRequest(path, requestSerialize, responseDeserialize, request, (error, response) =>
      error === null ? resolve(response) : reject(error),
    )
  })

answer(async (message) => {
  if (isCalls(message)) await repeat(message.count, message.concurrency, () => call(makeRequest()))
})
tellReady({})
