/** The least that a server can do: any request gets the same answer, which was written once. */
import { createServer } from "node:http"
import { tellReady } from "../child.ts"

const answer = Buffer.from(process.argv[2] ?? "")
const headers = { "content-type": "application/json", "content-length": answer.length }

const server = createServer({ keepAliveTimeout: 65_000 }, (_request, response) => {
  response.writeHead(200, headers).end(answer)
})

server.listen(0, "127.0.0.1", () => tellReady(server.address()))
