-- People who sign in to the dashboard.
CREATE TABLE users (
  id text NOT NULL,
  email text NOT NULL,
  name text NOT NULL,
  password_hash text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT users_id_is_unique PRIMARY KEY (id)
);

CREATE UNIQUE INDEX users_email_is_taken_in_any_case ON users (lower(email));

-- Sessions of the dashboard. One ends by logging out, by being unused for too long, or because a refresh token came twice.
CREATE TABLE dashboard_sessions (
  id text NOT NULL,
  user_id text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  expires_at timestamptz NOT NULL,
  ended_at timestamptz,
  CONSTRAINT dashboard_sessions_id_is_unique PRIMARY KEY (id),
  CONSTRAINT dashboard_sessions_belong_to_a_user FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE
);

CREATE INDEX dashboard_sessions_of_user ON dashboard_sessions (user_id) WHERE ended_at IS NULL;
CREATE INDEX dashboard_sessions_expired ON dashboard_sessions (expires_at);

-- Every refresh token that a session was given, by its digest: the used ones tell when somebody else holds a copy.
CREATE TABLE refresh_tokens (
  digest bytea NOT NULL,
  session_id text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  used_at timestamptz,
  CONSTRAINT refresh_tokens_digest_is_unique PRIMARY KEY (digest),
  CONSTRAINT refresh_tokens_digest_is_sha256 CHECK (octet_length(digest) = 32),
  CONSTRAINT refresh_tokens_belong_to_a_session FOREIGN KEY (session_id) REFERENCES dashboard_sessions (id)
    ON DELETE CASCADE
);

CREATE INDEX refresh_tokens_of_session ON refresh_tokens (session_id);
