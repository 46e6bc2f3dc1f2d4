/** `GET /openapi.json`: what a process serves, described by itself. */
import type { DescMethod } from "@bufbuild/protobuf"
import type { HttpRoute } from "../../http/HttpRoutes.ts"
import { bindingsOf } from "../Binding.ts"
import { openApi } from "./openApi.ts"

/** Where it is. */
export const openApiPath = "/openapi.json"

/** The route that describes the REST routes of `methods`; none where they have none. Written when first asked for. */
export const openApiRoute = (methods: ReadonlyArray<DescMethod>): HttpRoute => {
  if (methods.every((method) => bindingsOf(method).length === 0)) return () => false
  let bytes: Buffer | undefined
  return (request, response) => {
    const isRead = request.method === "GET" || request.method === "HEAD"
    if (!isRead || request.url?.split("?", 1)[0] !== openApiPath) return false
    bytes ??= Buffer.from(JSON.stringify(describe(methods)))
    response.writeHead(200, { "content-type": "application/json", "content-length": bytes.length }).end(bytes)
    return true
  }
}

/** Relative to the document itself, so that it holds behind a gateway's prefix too. */
const here = [{ url: "." }]

const describe = (methods: ReadonlyArray<DescMethod>) => {
  const packages = [...new Set(methods.map(({ parent }) => parent.file.proto.package))]
  return openApi({ info: { title: packages.join(", "), version: "v1" }, servers: here, surfaces: [{ methods }] })
}
