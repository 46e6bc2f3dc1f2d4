-- One environment of a customer's product, as it is wanted and as it was last seen.
CREATE TABLE applications (
  id text NOT NULL,
  workspace_id text NOT NULL,
  name text NOT NULL,
  slug text NOT NULL,
  environment text NOT NULL,
  region text NOT NULL,
  config jsonb NOT NULL,
  -- Counts the changes of the desired state; the provisioner reports by it.
  generation bigint NOT NULL DEFAULT 1,
  restart_count int NOT NULL DEFAULT 0,
  status text NOT NULL DEFAULT 'provisioning',
  status_reason text,
  instance_url text,
  -- The newest report of the provisioner that was taken in.
  observed_generation bigint NOT NULL DEFAULT 0,
  observed_at timestamptz,
  -- Counts the changes of anything that a proxy remembers, the application's keys included.
  version bigint NOT NULL DEFAULT 1,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  deleted_at timestamptz,
  purge_at timestamptz,
  CONSTRAINT applications_id_is_unique PRIMARY KEY (id),
  CONSTRAINT applications_belong_to_a_workspace FOREIGN KEY (workspace_id) REFERENCES workspaces (id),
  CONSTRAINT applications_environment_is_known CHECK (environment IN ('production', 'staging', 'development')),
  CONSTRAINT applications_status_is_known CHECK (
    status IN ('provisioning', 'active', 'suspended', 'restarting', 'failed', 'deleting', 'deleted')
  ),
  CONSTRAINT applications_config_is_an_object CHECK (jsonb_typeof(config) = 'object')
);

CREATE UNIQUE INDEX applications_slug_is_taken_once ON applications (workspace_id, slug) WHERE status <> 'deleted';
CREATE INDEX applications_of_workspace ON applications (workspace_id, created_at DESC, id DESC);

-- What customers' programs show to the proxy, by digest: nobody can read a secret key here.
CREATE TABLE api_keys (
  id text NOT NULL,
  application_id text NOT NULL,
  name text NOT NULL,
  type text NOT NULL,
  digest bytea NOT NULL,
  masked text NOT NULL,
  -- The whole key, of the public key that is made with an application alone: it is no secret.
  public_key text,
  scopes text[] NOT NULL,
  allowed_origins text[] NOT NULL,
  expires_at timestamptz,
  last_used_at timestamptz,
  created_at timestamptz NOT NULL DEFAULT now(),
  created_by text,
  revoked_at timestamptz,
  CONSTRAINT api_keys_id_is_unique PRIMARY KEY (id),
  CONSTRAINT api_keys_digest_is_unique UNIQUE (digest),
  CONSTRAINT api_keys_digest_is_sha256 CHECK (octet_length(digest) = 32),
  CONSTRAINT api_keys_belong_to_an_application FOREIGN KEY (application_id) REFERENCES applications (id)
    ON DELETE CASCADE,
  CONSTRAINT api_keys_are_made_by_users FOREIGN KEY (created_by) REFERENCES users (id),
  CONSTRAINT api_keys_type_is_known CHECK (type IN ('public', 'secret')),
  CONSTRAINT api_keys_that_are_secret_are_never_kept_whole CHECK (public_key IS NULL OR type = 'public')
);

CREATE INDEX api_keys_of_application ON api_keys (application_id, created_at DESC, id DESC) WHERE revoked_at IS NULL;
