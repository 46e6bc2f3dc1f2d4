-- Sign-ins that wait for a code, by the digest of the token that their client was given.
CREATE TABLE totp_challenges (
  digest bytea NOT NULL,
  user_id uuid NOT NULL,
  -- SHA-256 of the password's PHC string: a new password ends what the one before it has opened.
  password_digest bytea NOT NULL,
  -- SHA-256 of who asked, who alone may answer.
  asker_digest bytea NOT NULL,
  -- Right or wrong; counted before they are judged.
  answers int NOT NULL DEFAULT 0,
  created_at timestamptz NOT NULL DEFAULT now(),
  expires_at timestamptz NOT NULL,
  -- By the right code.
  answered_at timestamptz,
  CONSTRAINT totp_challenges_digest_is_unique PRIMARY KEY (digest),
  CONSTRAINT totp_challenges_digests_are_sha256 CHECK (
    octet_length(digest) = 32 AND octet_length(password_digest) = 32 AND octet_length(asker_digest) = 32
  ),
  CONSTRAINT totp_challenges_belong_to_a_user FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE
);

CREATE INDEX totp_challenges_of_user ON totp_challenges (user_id);
CREATE INDEX totp_challenges_expired ON totp_challenges (expires_at);

-- What stands in for a lost authenticator, once each, by digests of 80 random bits and whose they are.
CREATE TABLE recovery_codes (
  user_id uuid NOT NULL,
  digest bytea NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  used_at timestamptz,
  CONSTRAINT recovery_codes_are_unique PRIMARY KEY (user_id, digest),
  CONSTRAINT recovery_codes_digest_is_sha256 CHECK (octet_length(digest) = 32),
  CONSTRAINT recovery_codes_belong_to_a_user FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE
);
