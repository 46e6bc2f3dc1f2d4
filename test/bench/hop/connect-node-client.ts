/** connect-node's client over its gRPC transport. */
import { createClient } from "@connectrpc/connect"
import { createGrpcTransport } from "@connectrpc/connect-node"
import { ProbeService } from "#gen/authsome/testing/v1/probe_pb.ts"
import { answer, tellReady } from "../child.ts"
import { repeat } from "../repeat.ts"
import { isCalls, makeRequest } from "./payload.ts"

const probe = createClient(ProbeService, createGrpcTransport({ baseUrl: process.argv[2] ?? "" }))

answer(async (message) => {
  if (isCalls(message)) await repeat(message.count, message.concurrency, () => probe.echo(makeRequest()))
})
tellReady({})
