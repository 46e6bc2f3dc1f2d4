import { assert, it } from "@effect/vitest"
import { dependencies } from "./DebianPackages.ts"

it("dependencies are read with their alternatives, without versions and architectures", () => {
  assert.deepStrictEqual(
    dependencies("libc6 (>= 2.36), liblzf1, default-mta | mail-transport-agent, python3:any (>= 3.9), adduser\n"),
    [["libc6"], ["liblzf1"], ["default-mta", "mail-transport-agent"], ["python3"], ["adduser"]],
  )
})

it("a package without dependencies needs nothing", () => {
  assert.deepStrictEqual(dependencies("\n"), [])
})
