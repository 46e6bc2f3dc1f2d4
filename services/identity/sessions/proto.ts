/** Sessions and their tokens -> authsome.identity.v1. */
import type { MessageInitShape } from "@bufbuild/protobuf"
import * as Redacted from "effect/Redacted"
import type { SessionSchema, ClientInfo as WireClientInfo } from "#gen/authsome/identity/v1/session_pb.ts"
import type { IssuedSessionSchema } from "#gen/authsome/identity/v1/tenant_auth_pb.ts"
import type { EndUserSessionSchema } from "#gen/authsome/identity/v1/tenant_session_pb.ts"
import type { TokenClaimsSchema, TokensSchema } from "#gen/authsome/identity/v1/token_pb.ts"
import { uuidToId } from "#shared/ids/Id.ts"
import type { AccessClaims } from "../tokens/AccessToken.ts"
import { publicUserId, toTimestamp } from "../users/proto.ts"
import type { ClientInfo, Session, SessionId, Tokens } from "./Session.ts"

/** What a tenant's API calls the session. */
export const publicSessionId = (id: SessionId): string => uuidToId("ses", id)

export const toTokens = (tokens: Tokens): MessageInitShape<typeof TokensSchema> => ({
  accessToken: Redacted.value(tokens.accessToken),
  expiresAt: toTimestamp(tokens.expiresAt),
  refreshToken: Redacted.value(tokens.refreshToken),
  sessionId: tokens.sessionId,
})

export const toIssuedSession = (tokens: Tokens): MessageInitShape<typeof IssuedSessionSchema> => ({
  id: publicSessionId(tokens.sessionId),
  token: Redacted.value(tokens.accessToken),
  expiresAt: toTimestamp(tokens.expiresAt),
  refreshToken: Redacted.value(tokens.refreshToken),
})

export const toClaims = (claims: AccessClaims): MessageInitShape<typeof TokenClaimsSchema> => ({
  userId: claims.userId,
  sessionId: claims.sessionId,
  issuer: claims.issuer,
  audience: claims.audience,
  tokenId: claims.tokenId,
  issuedAt: toTimestamp(claims.issuedAt),
  expiresAt: toTimestamp(claims.expiresAt),
})

const deviceOf = (session: Session) => ({
  createdAt: toTimestamp(session.createdAt),
  lastUsedAt: toTimestamp(session.lastUsedAt),
  expiresAt: toTimestamp(session.expiresAt),
  ipAddress: session.ipAddress,
  userAgent: session.userAgent,
})

export const toSession = (session: Session): MessageInitShape<typeof SessionSchema> => ({
  ...deviceOf(session),
  id: session.id,
  userId: session.userId,
})

export const toEndUserSession = (
  session: Session,
  current: boolean,
): MessageInitShape<typeof EndUserSessionSchema> => ({
  ...deviceOf(session),
  id: publicSessionId(session.id),
  userId: publicUserId(session.userId),
  current,
})

/** What a backend service tells of the person's device. */
export const fromClientInfo = (client: WireClientInfo | undefined): ClientInfo => ({
  ipAddress: client?.ipAddress ?? "",
  userAgent: client?.userAgent ?? "",
})
