-- Events that were decided in a transaction of this database, to be published after its commit.
CREATE TABLE outbox (
  position bigint GENERATED ALWAYS AS IDENTITY,
  id text NOT NULL,
  stream text NOT NULL,
  subject text NOT NULL,
  retention text NOT NULL,
  max_age_seconds int NOT NULL,
  aggregate text NOT NULL,
  payload bytea NOT NULL,
  headers jsonb NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  published_at timestamptz,
  CONSTRAINT outbox_position_is_the_order PRIMARY KEY (position),
  CONSTRAINT outbox_id_is_unique UNIQUE (id),
  CONSTRAINT outbox_retention_is_known CHECK (retention IN ('workQueue', 'broadcast'))
);

CREATE INDEX outbox_waiting ON outbox (position) WHERE published_at IS NULL;
CREATE INDEX outbox_published ON outbox (published_at) WHERE published_at IS NOT NULL;

-- Messages that a consumer of this service has handled, noted in the transaction that handled them.
CREATE TABLE inbox (
  consumer text NOT NULL,
  message_id text NOT NULL,
  handled_at timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT inbox_message_is_handled_once PRIMARY KEY (consumer, message_id)
);

CREATE INDEX inbox_handled ON inbox (handled_at);

-- Messages that a consumer gave up, with the reason, until somebody replays or dismisses them.
CREATE TABLE dead_letters (
  consumer text NOT NULL,
  message_id text NOT NULL,
  subject text NOT NULL,
  payload bytea NOT NULL,
  headers jsonb NOT NULL,
  reason text NOT NULL,
  deliveries int NOT NULL,
  failed_at timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT dead_letters_message_is_kept_once PRIMARY KEY (consumer, message_id)
);

CREATE INDEX dead_letters_failed ON dead_letters (failed_at);

-- First answers to requests that carry an idempotency key, kept for as long as the key protects them.
CREATE TABLE idempotency (
  caller text NOT NULL,
  method text NOT NULL,
  request_id text NOT NULL,
  request_digest bytea NOT NULL,
  response bytea,
  created_at timestamptz NOT NULL DEFAULT now(),
  expires_at timestamptz NOT NULL DEFAULT now() + interval '24 hours',
  CONSTRAINT idempotency_request_is_answered_once PRIMARY KEY (caller, method, request_id)
);

CREATE INDEX idempotency_expired ON idempotency (expires_at);
