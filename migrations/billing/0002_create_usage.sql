-- The batches that are in the counters below, by the id that the proxy gave them: noted in the transaction that counts
-- them, so that a batch counts once however often it comes. They are forgotten when no batch of that age is taken any
-- more. Not partitioned: an id must be unique over all months.
CREATE TABLE usage_batches (
  batch_id text NOT NULL,
  received_at timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT usage_batches_count_once PRIMARY KEY (batch_id)
);

CREATE INDEX usage_batches_received ON usage_batches (received_at);

-- What an application used in a month of UTC, at the cost of the workspace that its requests named. Rows change with
-- every batch: room on their page keeps those changes out of the index.
CREATE TABLE usage_requests (
  workspace_id text NOT NULL,
  period text NOT NULL,
  application_id text NOT NULL,
  requests bigint NOT NULL,
  server_errors bigint NOT NULL,
  client_errors bigint NOT NULL,
  bytes_sent bigint NOT NULL,
  bytes_received bigint NOT NULL,
  CONSTRAINT usage_requests_one_row_for_workspace_month_and_application
    PRIMARY KEY (workspace_id, period, application_id),
  CONSTRAINT usage_requests_period_is_a_month CHECK (period ~ '^[0-9]{4}-(0[1-9]|1[0-2])$')
) WITH (fillfactor = 70);

-- The same by the minute, for figures over time; forgotten when no metrics reach back that far. The place in
-- latency_counts says how long the requests took, duration_ms is the sum over all of them.
CREATE TABLE usage_minutes (
  application_id text NOT NULL,
  minute timestamptz NOT NULL,
  requests bigint NOT NULL,
  server_errors bigint NOT NULL,
  client_errors bigint NOT NULL,
  bytes_sent bigint NOT NULL,
  duration_ms bigint NOT NULL,
  latency_counts int[] NOT NULL,
  CONSTRAINT usage_minutes_one_row_for_application_and_minute PRIMARY KEY (application_id, minute),
  CONSTRAINT usage_minutes_start_on_the_minute CHECK (date_trunc('minute', minute, 'UTC') = minute)
) WITH (fillfactor = 70);

CREATE INDEX usage_minutes_minute ON usage_minutes (minute);

-- Who was active in a month, each once: the figure that is invoiced is the number of rows. Of the user there is only the
-- SHA-256 of the id.
CREATE TABLE mau (
  application_id text NOT NULL,
  period text NOT NULL,
  user_hash bytea NOT NULL,
  CONSTRAINT mau_user_counts_once_a_month PRIMARY KEY (application_id, period, user_hash),
  CONSTRAINT mau_period_is_a_month CHECK (period ~ '^[0-9]{4}-(0[1-9]|1[0-2])$'),
  CONSTRAINT mau_hash_is_sha256 CHECK (octet_length(user_hash) = 32)
);
