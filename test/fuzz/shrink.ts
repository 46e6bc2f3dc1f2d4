/** The smallest case that still shows a finding: what a reader must look at. */
import type { Case } from "./Case.ts"
import type { Finding } from "./judge.ts"

/** How many smaller cases are tried at most. */
const tries = 120

/** Drops parts of the case as long as `reproduces` says that the finding is still there. */
export const shrink = async (from: Case, reproduces: (each: Case) => Promise<Finding | undefined>): Promise<Case> => {
  let smallest = from
  let left = tries
  for (let progress = true; progress && left > 0; ) {
    progress = false
    for (const smaller of smallerThan(smallest)) {
      left -= 1
      if (left <= 0) break
      if ((await reproduces(smaller)) === undefined) continue
      smallest = smaller
      progress = true
      break
    }
  }
  return smallest
}

function* smallerThan(each: Case): Generator<Case> {
  if (each.carrier === "bytes") {
    for (let index = 0; index < each.chunks.length; index++) {
      yield { ...each, chunks: each.chunks.filter((_, other) => other !== index) }
    }
    for (const [index, chunk] of each.chunks.entries()) {
      for (const cut of smallerBytes(chunk)) yield { ...each, chunks: each.chunks.with(index, cut) }
    }
    return
  }
  const { request } = each
  const smaller = (change: Partial<typeof request>): Case => ({ ...each, request: { ...request, ...change } })
  for (let index = 0; index < request.headers.length; index++) {
    yield smaller({ headers: request.headers.filter((_, other) => other !== index) })
  }
  const mark = request.target.indexOf("?")
  if (mark !== -1) yield smaller({ target: request.target.slice(0, mark) })
  for (const body of smallerBytes(request.body)) yield smaller({ body })
}

/** The bytes without one of their halves, quarters, eighths. */
function* smallerBytes(bytes: Buffer): Generator<Buffer> {
  if (bytes.length === 0) return
  yield bytes.subarray(0, 0)
  for (const parts of [2, 4, 8]) {
    const size = Math.ceil(bytes.length / parts)
    if (size * parts > 2 * bytes.length) return
    for (let at = 0; at < bytes.length; at += size) {
      yield Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + size)])
    }
  }
}
