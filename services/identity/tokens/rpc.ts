/** authsome.identity.v1.SigningKeyService: the public side of the keys. */
import * as Effect from "effect/Effect"
import { SigningKeyService } from "#gen/authsome/identity/v1/keys_pb.ts"
import * as Handlers from "#shared/rpc/Handlers.ts"
import { refuse } from "../proto.ts"
import { openIdConfiguration } from "./OpenIdConfiguration.ts"
import { SigningKeys } from "./SigningKeys.ts"

export const layer = ({ issuer }: { readonly issuer: string }) =>
  Handlers.layer(
    SigningKeyService,
    Effect.gen(function* () {
      const { ring } = yield* SigningKeys
      return {
        getJsonWebKeySet: () =>
          ring.pipe(
            Effect.map(({ publicKeys }) => ({ keys: [...publicKeys] })),
            Effect.catch(refuse),
          ),

        getOpenIdConfiguration: () => Effect.succeed(openIdConfiguration(issuer)),
      }
    }),
  )
