/** The verdicts that one process remembers: bounded, and found by key or by application. */
import { type BoundedMap, makeBoundedMap } from "#shared/runtime/BoundedMap.ts"

export interface Remembered {
  readonly applicationId: string
  /** The version of the application that it is true of. */
  readonly version: number
}

export interface RouteMemory<V extends Remembered> {
  readonly size: number
  readonly get: BoundedMap<string, V>["get"]
  readonly set: (key: string, value: V) => void
  readonly delete: (key: string) => void
  /** Forgets what is older than `version`: of these keys, or of the whole application where there are none. */
  readonly forget: (applicationId: string, keys: ReadonlyArray<string>, version: number) => number
  readonly clear: () => number
}

export const makeRouteMemory = <V extends Remembered>(capacity: number): RouteMemory<V> => {
  const byApplication = new Map<string, Set<string>>()
  const unlist = (key: string, { applicationId }: V): void => {
    const keys = byApplication.get(applicationId)
    keys?.delete(key)
    if (keys?.size === 0) byApplication.delete(applicationId)
  }
  const values = makeBoundedMap<string, V>(capacity, unlist)
  const remove = (key: string): void => {
    const value = values.get(key)
    if (value === undefined) return
    values.delete(key)
    unlist(key, value)
  }

  return {
    get size() {
      return values.size
    },
    get: values.get,
    set: (key, value) => {
      values.set(key, value)
      const keys = byApplication.get(value.applicationId)
      if (keys === undefined) byApplication.set(value.applicationId, new Set([key]))
      else keys.add(key)
    },
    delete: remove,
    forget: (applicationId, keys, version) => {
      const known = byApplication.get(applicationId)
      if (known === undefined) return 0
      const concerned = (keys.length === 0 ? [...known] : keys.filter((key) => known.has(key))).filter(
        (key) => (values.get(key)?.version ?? version) < version,
      )
      for (const key of concerned) remove(key)
      return concerned.length
    },
    clear: () => {
      const { size } = values
      values.clear()
      byApplication.clear()
      return size
    },
  }
}
