-- The containers of an application's end users.
CREATE TABLE organizations (
  id uuid NOT NULL,
  name text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  deleted_at timestamptz,
  CONSTRAINT organizations_id_is_unique PRIMARY KEY (id)
);

CREATE INDEX organizations_newest ON organizations (created_at DESC, id DESC) WHERE deleted_at IS NULL;

-- Who belongs to an organization, and who is invited to.
CREATE TABLE members (
  id uuid NOT NULL,
  organization_id uuid NOT NULL,
  -- Null: invited, and no account has accepted yet.
  user_id uuid,
  -- The address of the invitation. Null: the member founded the organization.
  email text,
  role text NOT NULL,
  status text NOT NULL,
  invited_at timestamptz,
  -- Of the token in the invitation's mail.
  invitation_digest bytea,
  invitation_expires_at timestamptz,
  joined_at timestamptz,
  CONSTRAINT members_id_is_unique PRIMARY KEY (id),
  CONSTRAINT members_belong_to_an_organization FOREIGN KEY (organization_id) REFERENCES organizations (id)
    ON DELETE CASCADE,
  CONSTRAINT members_are_users FOREIGN KEY (user_id) REFERENCES users (id),
  CONSTRAINT members_role_is_known CHECK (role IN ('owner', 'admin', 'member')),
  CONSTRAINT members_status_is_known CHECK (status IN ('invited', 'active')),
  CONSTRAINT members_active_are_users CHECK (status <> 'active' OR (user_id IS NOT NULL AND joined_at IS NOT NULL)),
  CONSTRAINT members_invited_have_an_address CHECK (
    status <> 'invited' OR (email IS NOT NULL AND invited_at IS NOT NULL AND invitation_expires_at IS NOT NULL)
  ),
  CONSTRAINT members_user_joins_once UNIQUE (organization_id, user_id),
  CONSTRAINT members_invitation_is_unique UNIQUE (invitation_digest)
);

CREATE UNIQUE INDEX members_address_is_invited_once ON members (organization_id, lower(email)) WHERE status = 'invited';
CREATE INDEX members_of_user ON members (user_id) WHERE user_id IS NOT NULL;
