-- What happened to accounts. Rows outlive the people they speak of: an erased person's rows keep a pseudonym alone.
CREATE TABLE security_audit_log (
  id uuid NOT NULL,
  -- Such as "user.password_changed": the audit name of the rpc.
  action text NOT NULL,
  -- Null: nobody, or nobody that is known, or erased.
  user_id uuid,
  pseudonym text,
  -- The API key or the program that called. Null: neither.
  key_id text,
  peer text,
  ip_address text NOT NULL DEFAULT '',
  user_agent text NOT NULL DEFAULT '',
  request_id text NOT NULL DEFAULT '',
  details jsonb NOT NULL DEFAULT '{}',
  occurred_at timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT security_audit_log_id_is_unique PRIMARY KEY (id),
  CONSTRAINT security_audit_log_names_a_person_once CHECK (user_id IS NULL OR pseudonym IS NULL)
);

CREATE INDEX security_audit_log_newest ON security_audit_log (occurred_at DESC, id DESC);
CREATE INDEX security_audit_log_of_user ON security_audit_log (user_id, occurred_at DESC) WHERE user_id IS NOT NULL;
