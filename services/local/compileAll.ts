/**
 * A program that loads every module of the five services and ends, which leaves them compiled in `NODE_COMPILE_CACHE`.
 * Without it each of five processes that start together compiles the same hundreds of files for itself.
 */
import { globSync } from "node:fs"
import { join, resolve } from "node:path"
import { pathToFileURL } from "node:url"

const services = resolve(import.meta.dirname, "..")

/** Tests and what only they use are not needed; of this folder nothing is. */
const isNeeded = (file: string) => !/(^|\/)(local|fixtures|testing)\/|\.test\.ts$/.test(file)

for (const file of globSync("*/**/*.ts", { cwd: services })) {
  if (isNeeded(file)) await import(pathToFileURL(join(services, file)).href)
}
process.exit(0)
