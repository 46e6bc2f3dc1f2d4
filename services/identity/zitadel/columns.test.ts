/** Whoever changes what claims show must give up the copies of it: a rule that no type can hold. */
import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import * as Text from "effect/String"
import { expect, it } from "vitest"
import { claimColumns } from "./claims.ts"

const root = join(import.meta.dirname, "..")

/** By the store whose statements change these columns of `users`: the use cases that call it, each of which forgets. */
const changedBy: Readonly<Record<string, ReadonlyArray<string>>> = {
  "users/UserStore.ts": ["users/Users.ts"],
  "credentials/AddressStore.ts": ["credentials/EmailVerifications.ts"],
  "privacy/ErasureStore.ts": ["privacy/Erasures.ts"],
}

/** What shows in claims, and what takes the whole account away. */
const shown = new RegExp(`\\b(${[...claimColumns.map(Text.camelToSnake), "deleted_at"].join("|")}) =|sql\\.update\\(`)

const statements = (text: string) =>
  [...text.matchAll(/UPDATE users SET([\s\S]*?)\b(?:WHERE|FROM)\b|(DELETE FROM users)\b/g)].map(
    ([, set, deletes]) => set ?? deletes ?? "",
  )

it("whatever changes claims gives up their copies (UserCopies.forget), and is named here", () => {
  const files = readdirSync(root, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith("Store.ts"))
  const changing = files.filter((file) =>
    statements(readFileSync(join(root, file), "utf8")).some((set) => set === "DELETE FROM users" || shown.test(set)),
  )
  expect(changing.toSorted()).toEqual(Object.keys(changedBy).toSorted())
  for (const file of Object.values(changedBy).flat()) {
    expect(readFileSync(join(root, file), "utf8"), file).toMatch(/copies\.forget\(/)
  }
})
