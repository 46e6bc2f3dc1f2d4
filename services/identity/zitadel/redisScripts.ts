/** The steps of the cache of claims that nobody may come between. Keys: guard, what may be served, what was known last. */

/** Keeps claims (2) for these times in ms (3: 0 is not at all; 4), if the lease (1) of their reader still holds. */
export const keepScript = `
if redis.call("GET", KEYS[1]) ~= ARGV[1] then return 0 end
redis.call("DEL", KEYS[1])
if ARGV[3] ~= "0" then redis.call("SET", KEYS[2], ARGV[2], "PX", ARGV[3]) end
redis.call("SET", KEYS[3], ARGV[2], "PX", ARGV[4])
return 1`

/** Takes away what is kept, and lets nobody keep anything while the block (1) lasts, in ms (2). */
export const blockScript = `
redis.call("SET", KEYS[1], ARGV[1], "PX", ARGV[2])
return redis.call("DEL", KEYS[2], KEYS[3])`

/**
 * The end of the block (1). Should Redis have lost it, whatever was leased or kept meanwhile is taken away; but the block
 * of the next change stays.
 */
export const settleScript = `
local guard = redis.call("GET", KEYS[1])
if guard and guard ~= ARGV[1] and string.sub(guard, 1, 6) == "block:" then return 0 end
return redis.call("DEL", KEYS[1], KEYS[2], KEYS[3])`
