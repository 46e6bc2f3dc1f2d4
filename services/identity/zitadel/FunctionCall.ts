/** What Zitadel sends to a target when it makes a token (actions version 2), as far as we read it. */
import * as Base64 from "effect/encoding/Base64"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { parseUserId, type UserId } from "../users/User.ts"
import { type ClaimSet, parseClaims } from "./claims.ts"
import { claimsOfZitadelUser } from "./tokenClaims.ts"

/** The metadata of Zitadel's user that names ours. */
const novaUserId = "nova_user_id"
/** The metadata in which claims were noted for the time when Nova is away. */
const novaClaims = "nova_claims"

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
    const id = named === undefined ? Option.some(user.id) : Option.map(textOf(named.value), unquoted)
    return {
      id: Option.flatMap(id, parseUserId),
      noted: Option.flatMap(textOf(valueOf(novaClaims)?.value), parseClaims),
      known: claimsOfZitadelUser(user),
    }
  })

/** The text of metadata, which come as bytes in base64. */
const textOf = (value = ""): Option.Option<string> => Result.getSuccess(Base64.decodeString(value))

/** What an action wrote is JSON. */
const unquoted = (text: string): string => /^"(.*)"$/.exec(text)?.[1] ?? text
