/** Fields of a request that may be left out: an empty text stands for "not given". */
import * as Option from "effect/Option"

export const given: (text: string) => Option.Option<string> = Option.liftPredicate((text) => text !== "")
