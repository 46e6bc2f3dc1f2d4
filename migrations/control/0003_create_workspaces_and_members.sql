-- What a plan is bought for, and what members and applications belong to.
CREATE TABLE workspaces (
  id text NOT NULL,
  name text NOT NULL,
  slug text NOT NULL,
  plan text NOT NULL,
  status text NOT NULL DEFAULT 'active',
  metadata jsonb NOT NULL DEFAULT '{}',
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  purge_at timestamptz,
  CONSTRAINT workspaces_id_is_unique PRIMARY KEY (id),
  CONSTRAINT workspaces_slug_is_taken_once UNIQUE (slug),
  CONSTRAINT workspaces_plan_is_known CHECK (plan IN ('free', 'pro', 'enterprise')),
  CONSTRAINT workspaces_status_is_known CHECK (status IN ('active', 'suspended', 'deleting', 'deleted')),
  CONSTRAINT workspaces_metadata_is_an_object CHECK (jsonb_typeof(metadata) = 'object')
);

-- A person's place in a workspace; an invited person is known by the address alone.
CREATE TABLE members (
  id text NOT NULL,
  workspace_id text NOT NULL,
  user_id text,
  invited_email text,
  role text NOT NULL,
  status text NOT NULL,
  invited_by text,
  invited_at timestamptz,
  joined_at timestamptz,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT members_id_is_unique PRIMARY KEY (id),
  CONSTRAINT members_belong_to_a_workspace FOREIGN KEY (workspace_id) REFERENCES workspaces (id) ON DELETE CASCADE,
  CONSTRAINT members_are_users FOREIGN KEY (user_id) REFERENCES users (id),
  CONSTRAINT members_are_invited_by_users FOREIGN KEY (invited_by) REFERENCES users (id),
  CONSTRAINT members_join_once UNIQUE (workspace_id, user_id),
  CONSTRAINT members_role_is_known CHECK (role IN ('owner', 'admin', 'developer', 'billing', 'viewer')),
  CONSTRAINT members_status_is_known CHECK (status IN ('invited', 'active', 'suspended')),
  CONSTRAINT members_are_somebody CHECK (user_id IS NOT NULL OR invited_email IS NOT NULL),
  CONSTRAINT members_have_joined_unless_invited CHECK (
    status = 'invited' OR (user_id IS NOT NULL AND joined_at IS NOT NULL)
  )
);

CREATE INDEX members_of_user ON members (user_id, workspace_id) WHERE status = 'active';
