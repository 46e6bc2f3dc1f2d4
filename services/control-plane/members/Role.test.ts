import { readdirSync } from "node:fs"
import { join, resolve } from "node:path"
import { pathToFileURL } from "node:url"
import { type DescFile, getOption, hasOption } from "@bufbuild/protobuf"
import { describe, expect, it } from "vitest"
import { policy } from "#gen/authsome/mesh/v1/policy_pb.ts"
import { may, permissions } from "./Role.ts"

const folder = resolve(import.meta.dirname, "../../../gen/authsome/control/v1")
const modules: ReadonlyArray<Record<string, DescFile | { readonly kind?: string }>> = await Promise.all(
  readdirSync(folder).map((name) => import(pathToFileURL(join(folder, name)).href)),
)
const demanded = modules
  .flatMap((module) => Object.values(module))
  .filter((value): value is DescFile => value.kind === "file")
  .flatMap((file) => file.services)
  .flatMap((service) => service.methods)
  .filter((method) => hasOption(method, policy))
  .map((method) => getOption(method, policy).permission)
  .filter((permission) => permission !== "")

describe("the table of roles", () => {
  it("knows every permission that the contract demands, and gives it to the owner", () => {
    expect(demanded.length).toBeGreaterThan(20)
    expect(demanded.filter((permission) => !may("owner", permission))).toEqual([])
  })

  it("has no permission that the contract never asks for", () => {
    expect(permissions.filter((permission) => !demanded.includes(permission))).toEqual([])
  })

  it("gives nobody a permission that is not in it", () => {
    expect(may("owner", "workspaces.explode")).toBe(false)
    expect(may("owner", "constructor")).toBe(false)
  })

  it("lets the owner alone delete the workspace", () => {
    expect((["admin", "developer", "billing", "viewer"] as const).some((role) => may(role, "workspaces.delete"))).toBe(
      false,
    )
  })

  it("gives viewers reads and nothing else", () => {
    expect(permissions.filter((permission) => may("viewer", permission) !== permission.endsWith(".read"))).toEqual([])
  })

  it("lets developers build and see billing, but neither rule nor pay", () => {
    expect(may("developer", "applications.delete")).toBe(true)
    expect(may("developer", "invoices.read")).toBe(true)
    expect(["billing.update", "members.invite", "workspaces.update"].some((each) => may("developer", each))).toBe(false)
  })

  it("lets billing pay and look at nothing that it need not pay for", () => {
    const has = permissions.filter((permission) => may("billing", permission))
    expect(has.sort()).toEqual(["billing.update", "invoices.read", "usage.read", "workspaces.read"])
  })
})
