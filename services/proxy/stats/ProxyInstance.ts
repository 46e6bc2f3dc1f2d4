/** The name of this process, a new one after every start: batches of usage are told apart by it. */
import * as Context from "effect/Context"
import * as Layer from "effect/Layer"
import { newId } from "#shared/ids/Id.ts"

export class ProxyInstance extends Context.Service<ProxyInstance, string>()("proxy/stats/ProxyInstance") {
  static readonly layer = Layer.effect(ProxyInstance, newId("prx"))
}
