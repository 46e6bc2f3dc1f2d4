/** What every protocol answers, on either way through the server, as data: a call, and the answer that it must get. */
import type { Case } from "./casesCase.ts"
import { malformed } from "./casesMalformed.ts"
import { refused } from "./casesRefused.ts"
import { taken } from "./casesTaken.ts"

export const cases: ReadonlyArray<Case> = [...taken, ...refused, ...malformed]
