-- Tokens that were mailed to replace a forgotten password, by their digests.
CREATE TABLE password_reset_tokens (
  digest bytea NOT NULL,
  user_id uuid NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  expires_at timestamptz NOT NULL,
  used_at timestamptz,
  CONSTRAINT password_reset_tokens_digest_is_unique PRIMARY KEY (digest),
  CONSTRAINT password_reset_tokens_digest_is_sha256 CHECK (octet_length(digest) = 32),
  CONSTRAINT password_reset_tokens_belong_to_a_user FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE
);

CREATE INDEX password_reset_tokens_of_user ON password_reset_tokens (user_id);
CREATE INDEX password_reset_tokens_expired ON password_reset_tokens (expires_at);

-- Tokens that were mailed to verify an address, by their digests.
CREATE TABLE email_verification_tokens (
  digest bytea NOT NULL,
  user_id uuid NOT NULL,
  -- The address that the mail went to: no other one is verified by it.
  email text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  expires_at timestamptz NOT NULL,
  used_at timestamptz,
  CONSTRAINT email_verification_tokens_digest_is_unique PRIMARY KEY (digest),
  CONSTRAINT email_verification_tokens_digest_is_sha256 CHECK (octet_length(digest) = 32),
  CONSTRAINT email_verification_tokens_belong_to_a_user FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE
);

CREATE INDEX email_verification_tokens_of_user ON email_verification_tokens (user_id);
CREATE INDEX email_verification_tokens_expired ON email_verification_tokens (expires_at);
