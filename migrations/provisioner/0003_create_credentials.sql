-- The secrets of each instance, made once and sealed with SEALING_KEYS.
CREATE TABLE credentials (
  application_id text NOT NULL,
  database_password text NOT NULL,
  redis_password text NOT NULL,
  sealing_keys text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT credentials_are_made_once PRIMARY KEY (application_id),
  CONSTRAINT credentials_belong_to_an_application
    FOREIGN KEY (application_id) REFERENCES applications (id) ON DELETE CASCADE
);
