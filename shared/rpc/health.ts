/** Health as the field asks for it: grpc.health.v1, `/health` (the process runs) and `/ready` (it can do its work). */

import type { IncomingMessage, ServerResponse } from "node:http"
import { create } from "@bufbuild/protobuf"
import { Code, ConnectError, type ConnectRouter, type HandlerContext } from "@connectrpc/connect"
import * as Effect from "effect/Effect"
import {
  Health,
  type HealthCheckRequest,
  HealthCheckResponseSchema,
  HealthCheckResponse_ServingStatus as Status,
} from "#gen/grpc/health/v1/health_pb.ts"
import type { Readiness } from "../runtime/Readiness.ts"

/** How often a watcher's answer is looked at again. */
const watchMillis = 1000

/** grpc.health.v1.Health for the whole server ("") and for each of `services`. */
export const healthService = (readiness: typeof Readiness.Service, services: ReadonlyArray<string>) => {
  const status = async (service: string) => {
    if (service !== "" && !services.includes(service)) return Status.SERVICE_UNKNOWN
    const { ready } = await Effect.runPromise(readiness.report)
    return ready ? Status.SERVING : Status.NOT_SERVING
  }
  return (router: ConnectRouter): void => {
    router.service(Health, {
      check: async ({ service }: HealthCheckRequest) => {
        const now = await status(service)
        if (now === Status.SERVICE_UNKNOWN) throw new ConnectError("unknown service", Code.NotFound)
        return { status: now }
      },
      list: async () => {
        const answers = ["", ...services].map(async (name) => [
          name,
          create(HealthCheckResponseSchema, { status: await status(name) }),
        ])
        return { statuses: Object.fromEntries(await Promise.all(answers)) }
      },
      watch: async function* ({ service }: HealthCheckRequest, { signal }: HandlerContext) {
        for (let last: number | undefined; !signal.aborted; await pause(watchMillis, signal)) {
          const now = await status(service)
          if (now !== last) yield { status: now }
          last = now
        }
      },
    })
  }
}

/** Answers `/health` and `/ready`; false for every other path. */
export const healthRoute =
  (readiness: typeof Readiness.Service) =>
  (request: IncomingMessage, response: ServerResponse): boolean => {
    if (request.url === "/health") {
      response.writeHead(200, { "content-type": "text/plain; charset=utf-8" }).end("OK")
      return true
    }
    if (request.url !== "/ready") return false
    Effect.runPromise(readiness.report).then((report) => {
      response
        .writeHead(report.ready ? 200 : 503, { "content-type": "application/json", "cache-control": "no-store" })
        .end(JSON.stringify(report))
    })
    return true
  }

const pause = (millis: number, signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    const wake = () => {
      clearTimeout(timer)
      resolve()
    }
    const timer = setTimeout(wake, millis)
    signal.addEventListener("abort", wake, { once: true })
  })
