-- The Ed25519 keys of access tokens. A key is published, signs for a while, and is accepted until its last token is over.
CREATE TABLE signing_keys (
  id text NOT NULL,
  -- `x` of the JWK (RFC 8037): 32 bytes in base64url.
  public_key text NOT NULL,
  -- `d` of the JWK, sealed for "signing_key/<id>". Null: the key signs no more.
  private_key text,
  created_at timestamptz NOT NULL DEFAULT now(),
  signs_from timestamptz NOT NULL DEFAULT now(),
  -- Null: until another key replaces it.
  signs_until timestamptz,
  -- Null: as long as it signs, and the lifetime of a token longer.
  accepted_until timestamptz,
  CONSTRAINT signing_keys_id_is_unique PRIMARY KEY (id),
  CONSTRAINT signing_keys_public_key_is_ed25519 CHECK (length(public_key) = 43)
);
