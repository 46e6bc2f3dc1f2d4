/** Routes of the outside face that no contract describes: what a proxy forwards, a vendor's webhook, static pages. */

import type { IncomingMessage, ServerResponse } from "node:http"
import * as Context from "effect/Context"
import * as Layer from "effect/Layer"

/** Answers a request, or returns false to leave it to others. */
export type HttpRoute = (request: IncomingMessage, response: ServerResponse) => boolean

export class HttpRoutes extends Context.Service<
  HttpRoutes,
  { readonly add: (route: HttpRoute) => void; readonly all: () => ReadonlyArray<HttpRoute> }
>()("shared/rpc/HttpRoutes") {
  static readonly layer = Layer.sync(HttpRoutes, () => {
    const list: Array<HttpRoute> = []
    return { add: (route) => void list.push(route), all: () => list }
  })
}
