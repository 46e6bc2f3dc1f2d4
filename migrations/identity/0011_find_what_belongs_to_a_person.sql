-- Whose address is theirs takes the open invitations to it along when they are erased.
CREATE INDEX members_by_invited_address ON members (lower(email)) WHERE status = 'invited';

-- What began before an erasure and ended after it is looked for while the erasure is recent.
CREATE INDEX users_erased ON users (erased_at) WHERE erased_at IS NOT NULL;
