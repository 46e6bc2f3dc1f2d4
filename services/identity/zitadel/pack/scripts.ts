/**
 * The texts of the actions. They run in Zitadel's goja: no process, no promises, no timers, and nothing may be returned.
 * ECMAScript 5, as Zitadel's documentation promises it.
 */
import { claimRules, longestText, sourceClaim } from "../claims.ts"
import { novaClaims, novaUserId } from "../notes.ts"

interface Script {
  readonly name: string
  readonly script: string
}

/** The JavaScript type that each type of claim has in JSON. */
const jsonTypes = { string: "string", boolean: "boolean", unixSeconds: "number" } as const

/** What may get into a token, and nothing else: whatever the service answers, it cannot set `sub` or `scope`. */
const allowed = claimRules.flatMap(({ claim, tokenClaim, type }) =>
  tokenClaim === undefined ? [] : [{ claim, token: tokenClaim, type: jsonTypes[type] }],
)

/** Zitadel's snake case of version 2 is camel case in version 1. */
const camelCase = (name: string) => name.replaceAll(/_([a-z])/g, (_, letter: string) => letter.toUpperCase())

/** What Zitadel's own user can stand in for. */
const standIns = claimRules.flatMap(({ tokenClaim, type, fallbacks }) =>
  tokenClaim === undefined || fallbacks === undefined
    ? []
    : [{ token: tokenClaim, type: jsonTypes[type], paths: fallbacks.map((path) => path.split(".").map(camelCase)) }],
)

/** A list of objects, one a line. */
const table = (rows: ReadonlyArray<object>) => `[\n${rows.map((row) => `  ${JSON.stringify(row)}`).join(",\n")}\n]`

const note = "Made by `npm run zitadel`; changes made here are lost."

const common = `
var SOURCE = ${JSON.stringify(sourceClaim)};
var ALLOWED = ${table(allowed)};

// Whether a token can have it: what JSON cannot say, or no header can hold, would be no token at all.
function fits(value, type) {
  if (typeof value !== type) return false;
  if (type === "string") return value.length <= ${longestText};
  return type !== "number" || isFinite(value);
}

// Sets what is allowed and fits, and says whether there was anything. What another action has set stays.
function setClaims(api, claims, source) {
  var any = false;
  for (var i = 0; i < ALLOWED.length; i++) {
    var value = claims[ALLOWED[i].claim];
    if (!fits(value, ALLOWED[i].type)) continue;
    api.v1.claims.setClaim(ALLOWED[i].token, value);
    any = true;
  }
  if (any) api.v1.claims.setClaim(SOURCE, source);
  return any;
}

function metadataOf(ctx, key) {
  var entries = ctx.v1.user.getMetadata().metadata || [];
  for (var i = 0; i < entries.length; i++) {
    if (entries[i].key === key) return entries[i].value;
  }
}

// The same UUID, whichever form it has.
function plain(id) {
  return String(id).toLowerCase().split("-").join("");
}
`

export const enrichmentName = "nova_claims_enrichment"

/** Asks the identity service. Holds the key in its text. */
export const enrichmentScript = (given: { readonly claimsUrl: string; readonly key: string }): Script => ({
  name: enrichmentName,
  script: `// Puts Nova's claims into tokens. ${note}
// It holds a key: whoever may read this action can read everybody's claims.
var CLAIMS_URL = ${JSON.stringify(given.claimsUrl)};
var KEY = ${JSON.stringify(given.key)};
${common}
function ${enrichmentName}(ctx, api) {
  var log = require("zitadel/log");
  var id = String(metadataOf(ctx, "${novaUserId}") || ctx.v1.getUser().id);

  // If Nova cannot be reached, or is late, the script ends here, and no try could catch it.
  var response = require("zitadel/http").fetch(CLAIMS_URL + encodeURIComponent(id), {
    method: "GET",
    headers: { Accept: "application/json", "X-Internal-API-Key": KEY }
  });
  if (response.status !== 200) {
    log.warn("nova answered with %s", String(response.status));
    return;
  }
  var claims;
  try {
    // response.json() could not be caught either.
    claims = JSON.parse(response.body);
  } catch (error) {
    log.warn("nova answered with something that is not JSON");
    return;
  }
  if (!claims || plain(claims.sub) !== plain(id)) {
    log.warn("nova answered with something that is not the claims of the user");
    return;
  }
  setClaims(api, claims, "live");
}
`,
})

/** Asks nobody: the last known good claims, else what Zitadel itself knows. */
export const fallbackScript: Script = {
  name: "nova_claims_fallback",
  script: `// Stands in for nova_claims_enrichment where Nova did not answer. ${note}
var STAND_INS = ${table(standIns)};
${common}
function nova_claims_fallback(ctx, api) {
  if (ctx.v1.claims && ctx.v1.claims[SOURCE]) return;

  var known = metadataOf(ctx, "${novaClaims}");
  if (known && isAbout(known, metadataOf(ctx, "${novaUserId}")) && setClaims(api, known, "cache")) return;

  var user = ctx.v1.getUser();
  for (var i = 0; i < STAND_INS.length; i++) {
    var value = firstOf(user, STAND_INS[i].paths, STAND_INS[i].type);
    if (value !== undefined) api.v1.claims.setClaim(STAND_INS[i].token, value);
  }
  api.v1.claims.setClaim(SOURCE, "fallback");
}

// Claims that were noted before somebody put right who that is are somebody else's.
function isAbout(claims, id) {
  return typeof claims === "object" && (!id || !claims.sub || plain(claims.sub) === plain(id));
}

// The first of these members that has a value of the type.
function firstOf(user, paths, type) {
  for (var i = 0; i < paths.length; i++) {
    var value = user;
    for (var j = 0; j < paths[i].length && value; j++) value = value[paths[i][j]];
    if (fits(value, type) && value !== "") return value;
  }
}
`,
}
