-- Devices on which somebody is signed in. A session lives until it ends, or until its refresh tokens are not used in time.
CREATE TABLE sessions (
  id uuid NOT NULL,
  user_id uuid NOT NULL,
  -- Makes each refresh token into the next one: neither the secret nor a used token is enough alone.
  refresh_secret bytea NOT NULL,
  -- Empty: not known.
  ip_address text NOT NULL,
  user_agent text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  last_used_at timestamptz NOT NULL DEFAULT now(),
  expires_at timestamptz NOT NULL,
  ended_at timestamptz,
  end_reason text,
  CONSTRAINT sessions_id_is_unique PRIMARY KEY (id),
  CONSTRAINT sessions_belong_to_a_user FOREIGN KEY (user_id) REFERENCES users (id),
  CONSTRAINT sessions_refresh_secret_is_256_bits CHECK (octet_length(refresh_secret) = 32),
  CONSTRAINT sessions_end_for_a_reason CHECK ((ended_at IS NULL) = (end_reason IS NULL)),
  CONSTRAINT sessions_end_reason_is_known CHECK (
    end_reason IN ('loggedOut', 'revoked', 'passwordChanged', 'tokenReused', 'userSuspended', 'userDeleted')
  )
);

CREATE INDEX sessions_of_user ON sessions (user_id, last_used_at DESC) WHERE ended_at IS NULL;
CREATE INDEX sessions_expired ON sessions (expires_at);

-- The refresh tokens of each session by their digests, one family a session: the used ones tell when somebody else holds
-- a copy.
CREATE TABLE refresh_tokens (
  digest bytea NOT NULL,
  session_id uuid NOT NULL,
  -- 0 is the first, 1 the one it was exchanged for.
  generation int NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  used_at timestamptz,
  CONSTRAINT refresh_tokens_digest_is_unique PRIMARY KEY (digest),
  CONSTRAINT refresh_tokens_digest_is_sha256 CHECK (octet_length(digest) = 32),
  CONSTRAINT refresh_tokens_never_fork UNIQUE (session_id, generation),
  CONSTRAINT refresh_tokens_belong_to_a_session FOREIGN KEY (session_id) REFERENCES sessions (id) ON DELETE CASCADE
);

CREATE INDEX refresh_tokens_used ON refresh_tokens (used_at) WHERE used_at IS NOT NULL;
