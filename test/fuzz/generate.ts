/** Case number `index` of a run: a valid request of one protocol with one to three things wrong with it. */
import type { Case, Face, Protocol, Request } from "./Case.ts"
import { breakFrames } from "./mutate/frames.ts"
import { breakFraming } from "./mutate/framing.ts"
import { mutateHeaders } from "./mutate/headers.ts"
import { mutateJson } from "./mutate/json.ts"
import { envelope, mutateEnvelope, mutateProtobuf } from "./mutate/protobuf.ts"
import { mutateTarget } from "./mutate/target.ts"
import { type Random, randomOf } from "./Random.ts"
import { binaryOf, pathOf, restSeedOf, type Seed, seedOf } from "./seeds.ts"

export const caseOf = (seed: number, index: number, protocol: Protocol): Case => {
  const random = randomOf(seed, index)
  switch (protocol) {
    case "grpc":
      return random.oneIn(5) ? breakFrames(random, pathOf(seedOf(random)), binaryOf(seedOf(random))) : grpc(random)
    case "grpc-web":
      return http1(random, grpcWeb(random), random.oneIn(8) ? "mesh" : "outside")
    case "connect":
      return http1(random, random.oneIn(3) ? connectStream(random) : connect(random), "outside")
    case "rest":
      return http1(random, rest(random), "outside")
    case "http1": {
      const request = random.pick([grpcWeb, connect, connectStream, rest])(random)
      return breakFraming(random, request, random.oneIn(4) ? "mesh" : "outside")
    }
  }
}

const http1 = (random: Random, request: Request, face: Face): Case => ({
  carrier: "http1",
  face,
  request: mutateEnvelopeOfRequest(random, request),
  framing: random.oneIn(5) ? "chunked" : "length",
})

/** What every protocol has around its body: path, method, headers. Half of all requests keep theirs. */
const mutateEnvelopeOfRequest = (random: Random, request: Request): Request => {
  const target = random.oneIn(4) ? mutateTarget(random, request.target) : request.target
  const method = random.oneIn(30)
    ? random.pick(["GET", "PUT", "PATCH", "DELETE", "OPTIONS", "HEAD", "TRACE", "BREW", "CONNECT"])
    : request.method
  let made: Request = { ...request, target, method }
  while (random.oneIn(3)) made = mutateHeaders(random, made)
  return made
}

const credentials = (random: Random): Request["headers"] => {
  const token = random.pick(["Bearer owner", "Bearer owner", "Bearer reader"])
  return random.oneIn(8) ? [] : [["authorization", token]]
}

const post = (target: string, contentType: string, body: Buffer, headers: Request["headers"] = []): Request => ({
  method: "POST",
  target,
  headers: [["host", "fuzz"], ["content-type", contentType], ...headers],
  body,
})

/** The seed's message, mutated two times out of three. */
const protobuf = (random: Random, seed: Seed): Buffer =>
  random.oneIn(3) ? binaryOf(seed) : mutateProtobuf(random, binaryOf(seed))

const json = (random: Random, seed: Seed): Buffer =>
  random.oneIn(4) ? Buffer.from(JSON.stringify(seed.json)) : mutateJson(random, seed.json)

const enveloped = (random: Random, message: Buffer): Buffer =>
  random.oneIn(2) ? envelope(message) : mutateEnvelope(random, message)

const grpc = (random: Random): Case => {
  const seed = seedOf(random)
  const type = random.oneIn(6)
    ? random.pick(["application/grpc+json", "application/grpc-web", "application/json", "application/grpc+proto"])
    : "application/grpc"
  const body = enveloped(random, type.endsWith("json") ? json(random, seed) : protobuf(random, seed))
  const key = random.oneIn(4) ? "wrong" : "mesh-key-of-the-probe"
  const request = post(pathOf(seed), type, body, [
    ["te", "trailers"],
    ["x-internal-api-key", key],
    ["x-mesh-peer", random.pick(["tester", "tester", "intruder"])],
    ...credentials(random),
  ])
  const headers = request.headers.filter(([name]) => name !== "host")
  const made = mutateEnvelopeOfRequest(random, { ...request, headers })
  return { carrier: "http2", face: "mesh", request: made, cut: random.oneIn(12) ? "reset" : "no" }
}

const grpcWeb = (random: Random): Request => {
  const seed = seedOf(random)
  const type = random.pick(["application/grpc-web+proto", "application/grpc-web", "application/grpc-web+json"])
  const body = enveloped(random, type.endsWith("json") ? json(random, seed) : protobuf(random, seed))
  return post(pathOf(seed), type, body, [["x-grpc-web", "1"], ...credentials(random)])
}

const connect = (random: Random): Request => {
  const seed = seedOf(random)
  const headers: Request["headers"] = [["connect-protocol-version", "1"], ...credentials(random)]
  switch (random.int(3)) {
    case 0:
      return post(pathOf(seed), "application/proto", protobuf(random, seed), headers)
    case 1: {
      const message = encodeURIComponent(json(random, seed).toString("latin1").slice(0, 4000))
      const target = `${pathOf(seed)}?connect=v1&encoding=json&message=${message}`
      return { method: "GET", target, headers: [["host", "fuzz"], ...headers], body: Buffer.alloc(0) }
    }
    default:
      return post(pathOf(seed), "application/json", json(random, seed), headers)
  }
}

const connectStream = (random: Random): Request => {
  const seed = seedOf(random)
  const binary = random.oneIn(2)
  const body = enveloped(random, binary ? protobuf(random, seed) : json(random, seed))
  return post(pathOf(seed), `application/connect+${binary ? "proto" : "json"}`, body, credentials(random))
}

const rest = (random: Random): Request => {
  const { method, target, json: body } = restSeedOf(random)
  const bytes =
    body === undefined
      ? random.oneIn(5)
        ? random.bytes(10)
        : Buffer.alloc(0)
      : random.oneIn(5)
        ? Buffer.from(JSON.stringify(body))
        : mutateJson(random, body)
  return {
    method,
    target,
    headers: [["host", "fuzz"], ["content-type", "application/json"], ...credentials(random)],
    body: bytes,
  }
}
