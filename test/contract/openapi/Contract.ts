/** Every service of the contract that has a REST route. */
import { readdirSync } from "node:fs"
import { join, resolve } from "node:path"
import { pathToFileURL } from "node:url"
import type { DescFile, DescMethod } from "@bufbuild/protobuf"
import { type Binding, bindingsOf } from "#shared/rpc/rest/Binding.ts"

const root = resolve(import.meta.dirname, "../../../gen/authsome")

const modules: ReadonlyArray<Record<string, unknown>> = await Promise.all(
  readdirSync(root, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith("_pb.ts"))
    .map((name) => import(pathToFileURL(join(root, name)).href)),
)

const isDescFile = (value: unknown): value is DescFile =>
  typeof value === "object" && value !== null && "kind" in value && value.kind === "file"

export const services = modules
  .flatMap((module) => Object.values(module).filter(isDescFile))
  .flatMap((file) => file.services)
  .filter(({ methods }) => methods.some((method) => bindingsOf(method).length > 0))

/** The contract of the kit's own tests: no program of the product serves it. */
export const isProbe = (method: DescMethod): boolean => method.parent.file.proto.package === "authsome.testing.v1"

/** The HTTP rule behind each operation, by its name in the document. */
export const bindings: ReadonlyMap<string, Binding> = new Map(
  services
    .flatMap(({ methods }) => methods)
    .flatMap((method) =>
      bindingsOf(method).map((binding, index) => [
        `${method.parent.name}_${method.name}${index === 0 ? "" : `_${index + 1}`}`,
        binding,
      ]),
    ),
)
