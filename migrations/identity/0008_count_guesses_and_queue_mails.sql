-- When the last wrong password or code came: a day later the wrong ones are forgotten.
ALTER TABLE users ADD COLUMN last_failed_login_at timestamptz;

-- Wrong guesses that no account can keep: those at an identifier that nobody has, and those from a client's address.
CREATE TABLE guesses (
  -- SHA-256 of what was guessed at, or from where.
  digest bytea NOT NULL,
  failures int NOT NULL,
  last_failed_at timestamptz NOT NULL DEFAULT now(),
  locked_until timestamptz,
  CONSTRAINT guesses_digest_is_unique PRIMARY KEY (digest),
  CONSTRAINT guesses_digest_is_sha256 CHECK (octet_length(digest) = 32)
);

CREATE INDEX guesses_oldest ON guesses (last_failed_at);

-- Mails on their way, put in by the transaction that causes them. A mail that is sent leaves its envelope for a day, by
-- which the mails to one person are counted.
CREATE TABLE mails (
  id uuid NOT NULL,
  -- Such as "passwordReset".
  kind text NOT NULL,
  -- Whose account it is about. No foreign key: looking for the account would take time for those that exist alone. Null:
  -- nobody's, or there is nobody to write to, and the mail is never sent.
  user_id uuid,
  -- Address, subject and text, sealed for "mail/<id>". Null: sent, or given up.
  sealed text,
  attempts int NOT NULL DEFAULT 0,
  created_at timestamptz NOT NULL DEFAULT now(),
  next_attempt_at timestamptz NOT NULL DEFAULT now(),
  -- Nobody has use for it afterwards.
  expires_at timestamptz NOT NULL,
  CONSTRAINT mails_id_is_unique PRIMARY KEY (id)
);

CREATE INDEX mails_waiting ON mails (next_attempt_at) WHERE sealed IS NOT NULL;
CREATE INDEX mails_of_user ON mails (user_id, kind, created_at) WHERE user_id IS NOT NULL;
CREATE INDEX mails_oldest ON mails (created_at);

-- A token of nobody opens nothing: it is made so that asking for one takes as long whether there is an account or not.
ALTER TABLE password_reset_tokens ALTER COLUMN user_id DROP NOT NULL;
ALTER TABLE email_verification_tokens ALTER COLUMN user_id DROP NOT NULL;
