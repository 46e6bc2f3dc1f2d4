import { createPrivateKey, createPublicKey, sign, verify } from "node:crypto"
import { readFileSync, statSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import { assert, layer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Record from "effect/Record"
import * as Redacted from "effect/Redacted"
import { load } from "./Secrets.ts"

layer(NodeFileSystem.layer)("the stack's secrets", (it) => {
  const newFile = Effect.flatMap(FileSystem.FileSystem, (files) =>
    Effect.map(files.makeTempDirectoryScoped(), (dir) => join(dir, "stack", "secrets.json")),
  )
  const values = (file: string) => Effect.map(load(file), Record.map(Redacted.value))

  it.effect("are made once, and kept in a file that only its owner reads", () =>
    Effect.gen(function* () {
      const file = yield* newFile
      const first = yield* values(file)
      assert.strictEqual(statSync(file).mode & 0o777, 0o600)
      assert.deepStrictEqual(yield* values(file), first)
      assert.strictEqual(new Set(Object.values(first)).size, Object.keys(first).length)
    }),
  )

  it.effect("are completed, and what was there stays, ours or not", () =>
    Effect.gen(function* () {
      const file = yield* newFile
      const first = yield* values(file)
      writeFileSync(file, JSON.stringify({ INTERNAL_API_KEY: "kept", SOMETHING: "else" }), { mode: 0o644 })
      const second = yield* values(file)
      assert.strictEqual(second.INTERNAL_API_KEY, "kept")
      assert.notStrictEqual(second.SEALING_KEYS, first.SEALING_KEYS)
      assert.strictEqual(JSON.parse(readFileSync(file, "utf8")).SOMETHING, "else")
      assert.strictEqual(statSync(file).mode & 0o777, 0o600)
    }),
  )

  it.effect("are not made anew where the file cannot be read, for that would lock out what they sealed", () =>
    Effect.gen(function* () {
      const file = yield* newFile
      yield* load(file)
      writeFileSync(file, '{"INTERNAL_API_KEY": 1}')
      const failure = yield* Effect.flip(load(file))
      assert.strictEqual(failure._tag, "SecretsUnreadable")
      assert.strictEqual(readFileSync(file, "utf8"), '{"INTERNAL_API_KEY": 1}')
    }),
  )

  it.effect("hold keys that fit: what the private one signs the public one verifies", () =>
    Effect.gen(function* () {
      const secrets = yield* values(yield* newFile)
      const der = (text: string) => ({ key: Buffer.from(text, "base64"), format: "der" }) as const
      const privateKey = createPrivateKey({ ...der(secrets.KEY_IDENTITY_PRIVATE_KEY), type: "pkcs8" })
      const publicKey = createPublicKey({ ...der(secrets.KEY_IDENTITY_PUBLIC_KEY), type: "spki" })
      const text = Buffer.from("text")
      assert.isTrue(verify(null, text, publicKey, sign(null, text, privateKey)))
      assert.match(secrets.SEALING_KEYS, /^local-1:[A-Za-z0-9+/]{43}=$/)
      assert.match(secrets.PROXY_SEALING_KEYS, /^local-1:[A-Za-z0-9+/]{43}=$/)
      assert.strictEqual(JSON.parse(secrets.TOKEN_SIGNING_KEYS).keys[0].crv, "Ed25519")
    }),
  )
})
