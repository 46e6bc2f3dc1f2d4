/** Which answers are findings: those that a request cannot ask for. */
import { type Answer, type Case, describeCase } from "./Case.ts"

export type Kind = "crash" | "hang" | "defect" | "log" | "memory" | "leak" | "unhealthy"

export interface Finding {
  readonly kind: Kind
  readonly why: string
}

/** gRPC codes that mean a fault of the server: UNKNOWN, INTERNAL, UNAVAILABLE, DATA_LOSS. */
const faults = new Set([2, 13, 14, 15])
const faultNames = /"code":\s*"(unknown|internal|unavailable|data_loss)"/

/** What is wrong with the answer; undefined: nothing. */
export const judge = (each: Case, answer: Answer): Finding | undefined => {
  if (answer.hung === true) {
    const after = answer.after === undefined ? "" : `; before it on the same connection: ${describeCase(answer.after)}`
    return { kind: "hang", why: `neither answered nor closed in time${after}` }
  }
  const { status, headers } = answer
  if (status === 0 && answer.unsent !== true && mustAnswer(each))
    return { kind: "hang", why: "closed without an answer" }
  const body = answer.body.subarray(0, 20_000).toString("latin1")
  if (/Maximum call stack|\n {4}at .*\.(ts|js):\d+/.test(body + (headers["grpc-message"] ?? ""))) {
    return { kind: "defect", why: `the answer shows the program's inside: ${body.slice(0, 300)}` }
  }
  if (asksForFault(each)) return undefined
  if (status === 500 || status === 502 || status === 503) {
    return { kind: "defect", why: `HTTP ${status} ${body.slice(0, 300)}` }
  }
  const code = Number(headers["grpc-status"] ?? /grpc-status: ?(\d+)/i.exec(body)?.[1] ?? 0)
  // gRPC, "Compression", and Connect's conformance: a message compressed with no encoding is INTERNAL.
  if (/compressed.{1,3}(with|envelope)/.test((headers["grpc-message"] ?? "") + body)) return undefined
  if (faults.has(code)) {
    return { kind: "defect", why: `gRPC status ${code} ${headers["grpc-message"] ?? body.slice(-300)}` }
  }
  const type = headers["content-type"] ?? ""
  if (type.startsWith("application/connect+") && faultNames.test(body)) return { kind: "defect", why: body.slice(-300) }
  return undefined
}

/** Whether the connection is in order and so are the headers, by what every HTTP/2 peer takes: then there is an answer. */
const mustAnswer = (each: Case): boolean =>
  each.carrier === "http2" &&
  each.cut === "no" &&
  each.request.method !== "CONNECT" &&
  /^\/[!-~]*$/.test(each.request.target) &&
  each.request.target.length + each.request.headers.join("").length <= surelyTaken &&
  each.request.headers.every(([name, value]) => isForUs(name, value) && /^[!-~]([ -~]*[!-~])?$/.test(value))

/** Headers of this many characters, with their path, are within the limit of any HTTP/2 peer. */
const surelyTaken = 8000

/** Headers that the HTTP/2 library itself judges: a malformed one resets the stream (RFC 9113, section 8.1.1). */
const isForUs = (name: string, value: string): boolean => name !== "host" && (name !== "te" || value === "trailers")

/** Whether the request may have asked the probe to fail as a faulty server does. */
const asksForFault = (each: Case): boolean =>
  /misbehave/i.test(each.carrier === "bytes" ? Buffer.concat(each.chunks).toString("latin1") : each.request.target)
