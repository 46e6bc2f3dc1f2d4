-- Who is erased takes the sessions that have ended along.
CREATE INDEX sessions_of_user_ended ON sessions (user_id) WHERE ended_at IS NOT NULL;
