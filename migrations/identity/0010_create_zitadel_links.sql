-- Which person of Zitadel is which of ours, as far as we have found out: erased people cannot be found again otherwise.
CREATE TABLE zitadel_links (
  user_id uuid NOT NULL REFERENCES users (id),
  zitadel_user_id text NOT NULL,
  -- Where Zitadel has that person.
  organization_id text NOT NULL,
  linked_at timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT zitadel_links_user_is_linked_once PRIMARY KEY (user_id),
  CONSTRAINT zitadel_links_zitadel_user_is_one_person UNIQUE (zitadel_user_id)
);
