/** The least that a proxy can do: undici's documented way of passing a request through, and no policy at all. */
import { createServer } from "node:http"
import { Pool } from "undici"
import { tellReady } from "../child.ts"

const pool = new Pool(process.argv[2] ?? "", { connections: 64, pipelining: 1, keepAliveTimeout: 30_000 })

const server = createServer({ keepAliveTimeout: 65_000 }, (request, response) => {
  const {
    connection: _connection,
    "keep-alive": _keepAlive,
    "transfer-encoding": _chunked,
    ...headers
  } = request.headers
  pool
    .stream(
      { path: request.url ?? "/", method: request.method ?? "GET", headers, body: request, opaque: response },
      ({ statusCode, headers: answered, opaque }) => {
        delete answered["connection"]
        delete answered["keep-alive"]
        opaque.writeHead(statusCode, answered)
        return opaque
      },
    )
    .catch(() => response.destroy())
})

server.listen(0, "127.0.0.1", () => tellReady(server.address()))
