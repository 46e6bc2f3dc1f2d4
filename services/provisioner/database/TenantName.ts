/** What belongs to an application in PostgreSQL, by name. */
import type { ApplicationId } from "../applications/Application.ts"
import { suffixOf } from "../applications/Application.ts"

const safe = /^[a-z2-7]{16}$/

/** The 16 characters that the names are made of: anything else is a defect of the caller, before it reaches a statement. */
const checked = (id: ApplicationId): string => {
  const suffix = suffixOf(id)
  if (!safe.test(suffix)) throw new TypeError("not the name of an application")
  return suffix
}

export const databaseOf = (id: ApplicationId): string => `authsome_app_${checked(id)}`

/** The role that owns the database, and nothing else. */
export const roleOf = (id: ApplicationId): string => `app_${checked(id)}_user`

/** A name as an SQL identifier (PostgreSQL manual, 4.1.1). */
export const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`
