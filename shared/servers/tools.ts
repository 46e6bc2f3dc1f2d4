import { join } from "node:path"

/** Where programs and templates are kept that every run from this checkout shares; deleting it only costs time. */
export const toolsFolder: string = join(import.meta.dirname, "..", "..", ".local", "tools")
