/** What needs Redis, over one connection; loaded only where there is one. */
import * as Layer from "effect/Layer"
import type * as Redacted from "effect/Redacted"
import { Redis } from "#shared/redis/Redis.ts"
import * as RedisClaimsCache from "./RedisClaimsCache.ts"

/** The cache of claims. A Redis that hangs must not take the time that the database would need. */
export const redisCache = (url: Redacted.Redacted<string>, options: RedisClaimsCache.RedisClaimsCacheOptions) =>
  Layer.provide(RedisClaimsCache.layer(options), Redis.layer({ url, commandTimeout: "200 millis" }))
