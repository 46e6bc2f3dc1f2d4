/** @fastify/http-proxy over undici, and no policy at all. */
import httpProxy from "@fastify/http-proxy"
import { fastify } from "fastify"
import { tellReady } from "../child.ts"

const app = fastify({ logger: false, keepAliveTimeout: 65_000 })
await app.register(httpProxy, {
  upstream: process.argv[2] ?? "",
  undici: { connections: 64, pipelining: 1, keepAliveTimeout: 30_000 },
})
await app.listen({ port: 0, host: "127.0.0.1" })
tellReady(app.server.address())
