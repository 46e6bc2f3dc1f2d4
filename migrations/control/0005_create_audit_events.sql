-- Who changed what: written in the transaction of the change, and never changed after.
CREATE TABLE audit_events (
  id text NOT NULL,
  occurred_at timestamptz NOT NULL DEFAULT now(),
  -- The contract's name of the change, such as 'key.created'.
  action text NOT NULL,
  rpc text NOT NULL,
  actor_kind text NOT NULL,
  -- Empty: nobody that is known.
  actor_id text NOT NULL,
  -- The workspace whose record shows the change. Null: none.
  container_id text,
  resource_type text NOT NULL,
  resource_id text NOT NULL,
  -- The names of the fields that were set, and the ids of what the resource is part of.
  details jsonb NOT NULL,
  request_id text NOT NULL,
  remote_address text NOT NULL,
  CONSTRAINT audit_events_id_is_unique PRIMARY KEY (id),
  CONSTRAINT audit_events_actor_kind_is_known CHECK (actor_kind IN ('user', 'key', 'endUser', 'peer', 'anonymous')),
  CONSTRAINT audit_events_details_is_an_object CHECK (jsonb_typeof(details) = 'object')
);

CREATE INDEX audit_events_of_container ON audit_events (container_id, occurred_at DESC, id DESC);
