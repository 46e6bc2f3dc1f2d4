/** Where this installation is reached, and where it can run applications. */
import * as Context from "effect/Context"
import type { ApplicationId } from "./Application.ts"

export interface InstallationShape {
  /** Where applications may run; the first is the default. */
  readonly regions: readonly [string, ...ReadonlyArray<string>]
  /** The proxy, as customers' programs reach it. */
  readonly apiBaseUrl: URL
  /** The dashboard, as people reach it. */
  readonly dashboardUrl: URL
}

export class Installation extends Context.Service<Installation, InstallationShape>()("control-plane/Installation") {}

/** Where an application's customers send their requests. */
export const apiUrlOf = ({ apiBaseUrl }: InstallationShape, id: ApplicationId): string => below(apiBaseUrl, `v1/${id}`)

/** The application's page in the dashboard. */
export const dashboardUrlOf = ({ dashboardUrl }: InstallationShape, id: ApplicationId): string =>
  below(dashboardUrl, `applications/${id}`)

const below = (base: URL, path: string): string => `${base.href.replace(/\/$/, "")}/${path}`
