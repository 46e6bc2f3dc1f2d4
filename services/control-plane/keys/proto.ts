/** Keys as messages. */
import type { MessageInitShape } from "@bufbuild/protobuf"
import { type ApiKeySchema, KeyType as WireType } from "#gen/authsome/control/v1/key_pb.ts"
import { enumWords } from "../enums.ts"
import { toOptionalTimestamp, toTimestamp } from "../timestamp.ts"
import type { ApiKey, KeyType } from "./ApiKey.ts"

export const keyTypes = enumWords<KeyType, WireType>({ public: WireType.PUBLIC, secret: WireType.SECRET })

/** The key as everybody may see it: masked. */
export const toApiKey = (apiKey: ApiKey) =>
  ({
    id: apiKey.id,
    applicationId: apiKey.applicationId,
    name: apiKey.name,
    type: keyTypes.toProto(apiKey.type),
    key: apiKey.masked,
    scopes: [...apiKey.scopes],
    allowedOrigins: [...apiKey.allowedOrigins],
    expiresAt: toOptionalTimestamp(apiKey.expiresAt),
    lastUsedAt: toOptionalTimestamp(apiKey.lastUsedAt),
    createdAt: toTimestamp(apiKey.createdAt),
    createdBy: apiKey.createdBy ?? undefined,
  }) satisfies MessageInitShape<typeof ApiKeySchema>
