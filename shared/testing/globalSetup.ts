/** Before the first test and after the last one of a run: the servers that all tests share. */
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import type { TestProject } from "vitest/node"
import { started } from "./Backing.ts"

const scope = Scope.makeUnsafe()

export const setup = async (project: TestProject): Promise<void> => {
  const backing = await Effect.runPromise(
    started.pipe(
      Scope.provide(scope),
      Effect.provide(NodeFileSystem.layer),
      Effect.onError(() => Scope.close(scope, Exit.void)),
    ),
  )
  project.provide("backing", backing)
}

export const teardown = (): Promise<void> => Effect.runPromise(Scope.close(scope, Exit.void))
