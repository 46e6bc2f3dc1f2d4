-- Applications: what is wanted of each (a copy of the newest desired state), how far it has come, and who works on it.
CREATE TABLE applications (
  id text NOT NULL,
  workspace_id text NOT NULL,
  generation bigint NOT NULL,
  wanted text NOT NULL,
  restart_count int NOT NULL,
  settings jsonb,
  state text NOT NULL DEFAULT 'pending',
  failures int NOT NULL DEFAULT 0,
  observed_generation bigint NOT NULL DEFAULT 0,
  reason text,
  -- What the control plane was last told; all three or none.
  announced_status text,
  announced_url text,
  announced_generation bigint,
  -- When somebody must look at it next; null: not before something happens.
  due_at timestamptz DEFAULT now(),
  -- Counts calls to look at once, so that none is lost while somebody is at work.
  wakes bigint NOT NULL DEFAULT 0,
  -- Who works on it, and until when that counts without being renewed.
  lease_owner text,
  lease_until timestamptz,
  started_at timestamptz,
  updated_at timestamptz NOT NULL DEFAULT now(),
  ended_at timestamptz,
  CONSTRAINT applications_id_is_unique PRIMARY KEY (id),
  CONSTRAINT applications_id_names_resources CHECK (id ~ '^app_[a-z2-7]{16}$'),
  CONSTRAINT applications_wanted_is_known CHECK (wanted IN ('running', 'suspended', 'absent')),
  CONSTRAINT applications_state_is_known CHECK (state IN ('pending', 'running', 'waiting', 'done', 'failed')),
  CONSTRAINT applications_announcement_is_whole
    CHECK (num_nulls(announced_status, announced_url, announced_generation) IN (0, 3)),
  CONSTRAINT applications_lease_is_whole CHECK (num_nulls(lease_owner, lease_until) IN (0, 2))
);

CREATE INDEX applications_due ON applications (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX applications_changed ON applications (updated_at DESC, id DESC);

-- The steps of the present generation that anything is known of.
CREATE TABLE steps (
  application_id text NOT NULL,
  name text NOT NULL,
  state text NOT NULL,
  attempt int NOT NULL,
  started_at timestamptz,
  ended_at timestamptz,
  error text,
  CONSTRAINT steps_name_is_unique_in_application PRIMARY KEY (application_id, name),
  CONSTRAINT steps_belong_to_an_application
    FOREIGN KEY (application_id) REFERENCES applications (id) ON DELETE CASCADE,
  CONSTRAINT steps_name_is_known CHECK (name IN
    ('namespace', 'database', 'redis', 'migrations', 'instance', 'monitoring', 'activate')),
  CONSTRAINT steps_state_is_known CHECK (state IN ('running', 'done', 'failed'))
);
