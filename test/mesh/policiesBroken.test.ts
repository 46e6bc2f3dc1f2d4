/** A contract that says too little, or what makes no sense, is not served: the start of the process says what is wrong. */
import { clone, create, createFileRegistry, type DescMethod, getOption, setExtension } from "@bufbuild/protobuf"
import { FileDescriptorProtoSchema, MethodOptionsSchema } from "@bufbuild/protobuf/wkt"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import { describe, expect, it } from "vitest"
import { Access, type Policy, PolicySchema, policy as policyOption } from "#gen/authsome/mesh/v1/policy_pb.ts"
import { PoliciesService } from "#gen/authsome/testing/v1/policies_pb.ts"
import { Authentication, Authorization } from "#shared/rpc/Caller.ts"
import * as Handlers from "#shared/rpc/Handlers.ts"
import { policyOf } from "#shared/rpc/Policy.ts"
import * as Server from "#shared/rpc/Server.ts"
import { Readiness } from "#shared/runtime/Readiness.ts"
import { serverConfig } from "#shared/testing/meshSettings.ts"

type Change = (policy: Policy) => void

/** The rpc as its contract would be after the change; undefined: without a policy. */
const changed = (method: DescMethod, change: Change | undefined): DescMethod => {
  const { file } = method.parent
  const proto = clone(FileDescriptorProtoSchema, file.proto)
  const options = create(MethodOptionsSchema)
  if (change !== undefined) {
    const policy = clone(PolicySchema, getOption(method, policyOption))
    change(policy)
    setExtension(options, policyOption, policy)
  }
  for (const service of proto.service) {
    for (const each of service.method) if (each.name === method.name) each.options = options
  }
  const registry = createFileRegistry(proto, (name) => file.dependencies.find((each) => `${each.name}.proto` === name))
  const found = registry.getService(method.parent.typeName)?.methods.find(({ name }) => name === method.name)
  if (found === undefined) throw new Error(`${method.name} is gone`)
  return found
}

const { guess, look, watch } = PoliciesService.method

const wrong: ReadonlyArray<readonly [string, DescMethod, Change | undefined, string]> = [
  ["no policy", guess, undefined, "it has no policy"],
  ["no access", guess, (policy) => (policy.access = Access.UNSPECIFIED), "its policy does not say who may call"],
  [
    "an unknown access",
    guess,
    (policy) => Object.assign(policy, { access: 77 }),
    "its policy does not say who may call",
  ],
  ["no deadline", guess, (policy) => Object.assign(policy, { deadline: undefined }), "its policy has no deadline"],
  ["a permission of users without a scope", look, (policy) => (policy.scope = ""), "its permission has no scope"],
  ["a scope that is no field", look, (policy) => (policy.scope = "x"), 'its scope "x" is not a text of the request'],
  ["a permission of nobody", guess, (policy) => (policy.permission = "x.y"), "nobody can have its permission"],
  ["callers from outside", guess, (policy) => policy.callers.push("x"), "its callers are no programs of the mesh"],
  ["a status of failure", guess, (policy) => (policy.successStatus = 404), "its status 404 is none of success"],
  ["an audited stream", watch, (policy) => (policy.audit = "x.watched"), "a stream is not audited"],
  ["an unknown rate class", guess, (policy) => Object.assign(policy, { rateClass: 77 }), "its rate class is unknown"],
  [
    "an unknown error shape",
    guess,
    (policy) => Object.assign(policy, { errorShape: 77 }),
    "its error shape is unknown",
  ],
  ["an unknown reason", guess, (policy) => Object.assign(policy, { reasons: [7777] }), "its reason 7777 is unknown"],
]

describe("a contract", () => {
  it.each(wrong)("with %s is not served", (_, method, change, why) => {
    expect(() => policyOf(changed(method, change))).toThrow(
      `${method.parent.typeName}/${method.name} cannot be served: ${why}`,
    )
  })

  it("that is complete is", () => expect(policyOf(changed(guess, () => {})).rateClass).toBe("CREDENTIAL"))
})

describe("a process that says nothing of limits", () => {
  const nobody = Layer.mergeAll(
    Layer.succeed(Authentication, {}),
    Authorization.layerNobody,
    Readiness.layer,
    Logger.layer([]),
  )

  it("does not start with an rpc whose callers are counted, and says so in one sentence", async () => {
    const handlers = Handlers.layer(PoliciesService, Effect.succeed({ guess: () => Effect.succeed({}) }), [
      ...["open", "spend", "guessByKey", "guessInSession", "guessForOthers"],
      ...["refuse", "watchRefuse", "look", "watch"],
    ] as const)
    const exit = await Effect.runPromiseExit(
      Effect.scoped(Layer.build(Layer.provide(Server.layer({ config: serverConfig }, handlers), nobody))),
    )
    expect(Exit.isFailure(exit) ? String(Cause.squash(exit.cause)) : "").toBe(
      "Error: authsome.testing.v1.PoliciesService/Guess cannot be served: its contract limits its callers, and this process does not",
    )
  })
})
