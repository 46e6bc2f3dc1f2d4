/** The instance behind every proxy of the bench: takes a JSON body and answers with one. */
import { createServer } from "node:http"
import { tellReady } from "../child.ts"

const answer = Buffer.from(
  JSON.stringify({
    user: { id: "usr_agq763sa75337nxfbwal4vct7a", email: "ada@example.com", name: "Ada", emailVerified: true },
    session: { id: "ses_agq763sa75337nxfbwal4vct7a", token: "t".repeat(43), expiresAt: "2030-01-01T00:00:00Z" },
  }),
)

const server = createServer({ keepAliveTimeout: 65_000 }, (request, response) => {
  request.resume()
  request.on("end", () => {
    response
      .writeHead(200, {
        "content-type": "application/json",
        "content-length": answer.length,
        "cache-control": "no-store",
        "x-authsome-route": "/auth/signin",
        "x-request-id": String(request.headers["x-request-id"] ?? "req_none"),
      })
      .end(answer)
  })
})

server.listen(0, "127.0.0.1", () => tellReady(server.address()))
