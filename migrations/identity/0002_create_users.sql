-- People with an account. A deleted row stays, and its address and username with it, until the person is erased; an
-- erased row stays for ever, empty, so that its id never comes again.
CREATE TABLE users (
  id uuid NOT NULL,
  username text,
  email text,
  email_verified boolean NOT NULL DEFAULT false,
  -- PHC string. Null: no password opens the account.
  password_hash text,
  display_name text,
  avatar_url text,
  first_name text,
  last_name text,
  bio text,
  location text,
  phone_number text,
  phone_verified boolean NOT NULL DEFAULT false,
  -- Sealed for "user/<id>/totp".
  totp_secret text,
  totp_enabled boolean NOT NULL DEFAULT false,
  -- The last 30-second step whose code was accepted: none is accepted twice (RFC 6238, section 5.2).
  totp_last_step bigint,
  is_active boolean NOT NULL DEFAULT true,
  failed_login_attempts int NOT NULL DEFAULT 0,
  locked_until timestamptz,
  last_login_at timestamptz,
  password_changed_at timestamptz,
  created_at timestamptz NOT NULL DEFAULT now(),
  -- When the profile last changed: signing in does not count.
  updated_at timestamptz NOT NULL DEFAULT now(),
  deleted_at timestamptz,
  erased_at timestamptz,
  CONSTRAINT users_id_is_unique PRIMARY KEY (id),
  CONSTRAINT users_username_is_known_until_erased CHECK (username IS NOT NULL OR erased_at IS NOT NULL),
  CONSTRAINT users_email_is_known_until_erased CHECK (email IS NOT NULL OR erased_at IS NOT NULL),
  CONSTRAINT users_phone_is_verified_with_a_number CHECK (phone_number IS NOT NULL OR NOT phone_verified),
  CONSTRAINT users_totp_is_enabled_with_a_secret CHECK (totp_secret IS NOT NULL OR NOT totp_enabled),
  CONSTRAINT users_erased_are_deleted CHECK (erased_at IS NULL OR deleted_at IS NOT NULL)
);

CREATE UNIQUE INDEX users_email_is_taken_in_any_case ON users (lower(email));
CREATE UNIQUE INDEX users_username_is_taken_in_any_case ON users (lower(username));
CREATE INDEX users_newest ON users (created_at DESC, id DESC) WHERE deleted_at IS NULL;
