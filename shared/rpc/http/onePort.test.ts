/** Who is slow, silent or one too many loses the connection, and nobody else does. */
import { once } from "node:events"
import * as http2 from "node:http2"
import * as net from "node:net"
import { afterEach, expect, it } from "vitest"
import { type Listener, onePort } from "./onePort.ts"
import type { Patience } from "./Patience.ts"

const never = 24 * 60 * 60_000
const patient: Patience = {
  silenceMs: never,
  headersMs: never,
  requestMs: never,
  keepAliveMs: never,
  stillMs: never,
}

const ended: Array<() => unknown> = []
afterEach(async () => {
  for (const end of ended.splice(0).reverse()) await end()
})

const atOnce: Listener = (_, response) => void response.end("done")

const serve = async (limits: Partial<Patience>, request = atOnce, maxConnections = 10): Promise<number> => {
  const face = onePort({ request, stream: () => false }, maxConnections, { ...patient, ...limits })
  face.server.listen(0, "127.0.0.1")
  await once(face.server, "listening")
  ended.push(() => face.close(0))
  const address = face.server.address()
  return typeof address === "object" && address !== null ? address.port : 0
}

const dial = async (port: number, ...bytes: ReadonlyArray<string | Uint8Array>): Promise<net.Socket> => {
  const socket = net.connect(port, "127.0.0.1")
  socket.on("error", () => {}).resume()
  ended.push(() => socket.destroy())
  await once(socket, "connect")
  for (const each of bytes) socket.write(each)
  return socket
}

const preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
const settings = Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0])
/** The beginning of a head of 100 bytes (RFC 9113, section 6.2), none of which follows. */
const halfHead = Buffer.from([0, 0, 100, 1, 0, 0, 0, 0, 1])

it.each([
  ["says nothing", { silenceMs: 50 }, []],
  ["begins a request of HTTP/1.1 and stops", { headersMs: 50 }, ["GET / HTTP/1.1\r\nhost: a\r\n"]],
  ["begins as HTTP/2 and stops", { headersMs: 50 }, ["PRI"]],
  ["never says its settings", { headersMs: 50 }, [preface]],
  ["does nothing on HTTP/2", { stillMs: 50 }, [preface, settings]],
  ["stops within a head of HTTP/2", { stillMs: 50, headersMs: 50 }, [preface, settings, halfHead]],
] as const)("who %s is cut", async (_, limits, bytes) => {
  const socket = await dial(await serve(limits), ...bytes)
  await once(socket, "close")
})

it("a request that does not end is cut; one that waits for its answer is not", async () => {
  const waiting: Array<() => void> = []
  const later: Listener = (_, response) => void waiting.push(() => response.end("at last"))
  const session = http2.connect(`http://127.0.0.1:${await serve({ headersMs: 50, requestMs: 50 }, later)}`)
  ended.push(() => session.destroy())
  const patient = session.request({ ":path": "/" })
  const slow = session.request({ ":method": "POST" }, { endStream: false })
  slow.on("error", () => {}).resume()
  await once(slow, "close")
  expect(slow.rstCode).toBe(http2.constants.NGHTTP2_CANCEL)
  for (const answer of waiting) answer()
  expect((await once(patient, "data")).map(String)).toEqual(["at last"])
})

it("connections beyond the limit are refused, and taken again when others end", async () => {
  const port = await serve({}, atOnce, 1)
  const first = await dial(port, preface, settings)
  await once(first, "data")
  const second = net.connect(port, "127.0.0.1").on("error", () => {})
  await once(second.resume(), "close")
  first.destroy()
  await once(first, "close")
  await expect.poll(async () => (await fetch(`http://127.0.0.1:${port}/`).catch(() => undefined))?.status).toBe(200)
})
