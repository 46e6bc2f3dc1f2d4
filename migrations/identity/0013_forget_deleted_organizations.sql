-- An organization that is deleted is gone, with its members and invitations: nobody could have it back.
DROP INDEX organizations_newest;
ALTER TABLE organizations DROP COLUMN deleted_at;
