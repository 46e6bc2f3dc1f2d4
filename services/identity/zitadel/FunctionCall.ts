/** What Zitadel sends to a target when it makes a token (actions version 2), as far as we read it. */
import * as Base64 from "effect/encoding/Base64"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { parseUserId, type UserId } from "../users/User.ts"
import { type ClaimSet, parseClaims } from "./claims.ts"
import { mayBeOf, namedIn, novaClaims, novaUserId } from "./notes.ts"
import { claimsOfZitadelUser, tokenClaims } from "./tokenClaims.ts"

/** What Zitadel leaves empty it leaves out; what we do not know may be there. */
const FunctionCall = Schema.Struct({
  function: Schema.Literals(["function/preuserinfo", "function/preaccesstoken"]),
  user: Schema.StructWithRest(Schema.Struct({ id: Schema.NonEmptyString }), [
    Schema.Record(Schema.String, Schema.Unknown),
  ]),
  user_metadata: Schema.optionalKey(
    Schema.NullOr(Schema.Array(Schema.Struct({ key: Schema.String, value: Schema.optionalKey(Schema.String) }))),
  ),
})

const decode = Schema.decodeUnknownOption(FunctionCall)

/** Whose claims a token needs. */
export interface Subject {
  /** None: Zitadel's user is none of ours. */
  readonly id: Option.Option<UserId>
  /** What we noted in Zitadel when it last changed, for when nothing later can be had. */
  readonly noted: Option.Option<ClaimSet>
  /** What Zitadel itself knows. */
  readonly known: ClaimSet
}

/** Whom a call is about; none where it is no call of a function that makes tokens. */
export const subjectOf = (event: unknown): Option.Option<Subject> =>
  Option.map(decode(event), ({ user, user_metadata: metadata }) => {
    const valueOf = (name: string) => metadata?.find(({ key }) => key === name)
    const named = valueOf(novaUserId)
    const id = named === undefined ? parseUserId(user.id) : Option.flatMap(textOf(named.value), namedIn)
    return {
      id,
      noted: textOf(valueOf(novaClaims)?.value).pipe(Option.flatMap(parseClaims), Option.filter(isNoteOf(id))),
      known: claimsOfZitadelUser(user),
    }
  })

/** Whether a note says anything, and says it of that user. */
const isNoteOf =
  (id: Option.Option<UserId>) =>
  (claims: ClaimSet): boolean =>
    Option.isSome(id) && mayBeOf(id.value, claims) && tokenClaims(claims, "cache").length > 1

/** The text of metadata, which come as bytes in base64. */
const textOf = (value = ""): Option.Option<string> => Result.getSuccess(Base64.decodeString(value))
