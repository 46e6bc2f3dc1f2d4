/** http-proxy-3 with kept connections, and no policy at all. */
import { Agent, createServer } from "node:http"
import { createProxyServer } from "http-proxy-3"
import { tellReady } from "../child.ts"

const agent = new Agent({ keepAlive: true, maxSockets: 64 })
const proxy = createProxyServer({ target: process.argv[2] ?? "", agent })
proxy.on("error", (_error, _request, response) => void response.destroy())

const server = createServer({ keepAliveTimeout: 65_000 }, (request, response) => void proxy.web(request, response))

server.listen(0, "127.0.0.1", () => tellReady(server.address()))
