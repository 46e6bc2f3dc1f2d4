-- Invitations whose time is over are swept.
CREATE INDEX members_invitations_oldest ON members (invitation_expires_at) WHERE status = 'invited';
