/** What Zitadel sends to a target when it makes a token, and how it signs that. */
import { createHmac } from "node:crypto"

export const signingKey = "signing-key-of-the-tests"

/** The signature of a body under each of the keys. */
export const signed = (body: string, seconds: number, ...keys: ReadonlyArray<string>): string =>
  [
    `t=${seconds}`,
    ...keys.map((key) => `v1=${createHmac("sha256", key).update(`${seconds}.${body}`).digest("hex")}`),
  ].join(",")

/** Zitadel's own account of a person. */
export const zitadelUser = {
  id: "287361929873457200",
  creation_date: "2026-01-02T03:04:05.999Z",
  resource_owner: "287361929873457100",
  sequence: 42,
  state: 1,
  username: "ada-at-zitadel",
  login_names: ["ada@id.nova.app"],
  preferred_login_name: "ada@id.nova.app",
  human: {
    first_name: "Ada",
    last_name: "L",
    display_name: "Ada at Zitadel",
    preferred_language: "en",
    email: "ada@zitadel.example",
    is_email_verified: true,
  },
}

/** Zitadel's document about `zitadelUser`, whose metadata names Nova's user where one is given. */
export const functionCall = (novaUserId?: string) => ({
  function: "function/preaccesstoken",
  userinfo: { sub: zitadelUser.id },
  user: zitadelUser,
  ...(novaUserId === undefined
    ? {}
    : { user_metadata: [metadata("theme", "dark"), metadata("nova_user_id", novaUserId)] }),
  org: { id: "287361929873457100", name: "Nova", primary_domain: "id.nova.app" },
  application: { client_id: "287361929873457300" },
})

const metadata = (key: string, value: string) => ({ key, value: Buffer.from(value).toString("base64"), sequence: 1 })
