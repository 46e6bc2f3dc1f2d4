-- Who is erased takes along the sessions that have ended, and open invitations to an address that is theirs.
CREATE INDEX sessions_of_user_ended ON sessions (user_id) WHERE ended_at IS NOT NULL;
CREATE INDEX members_by_invited_address ON members (lower(email)) WHERE status = 'invited';

-- What began before an erasure and ended after it is looked for while the erasure is recent.
CREATE INDEX users_erased ON users (erased_at) WHERE erased_at IS NOT NULL;
