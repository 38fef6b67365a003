-- Whose rows a person sees on the pages, who gave them that, and who looked for somebody by a phone number.

CREATE TABLE motcua.user_agencies (
    user_name text NOT NULL CHECK (btrim(user_name) <> ''),
    agency_code text NOT NULL REFERENCES motcua.agencies,
    since timestamptz NOT NULL,
    given_by text NOT NULL CHECK (btrim(given_by) <> ''),
    PRIMARY KEY (user_name, agency_code)
);
COMMENT ON TABLE motcua.user_agencies IS 'Which agencies'' rows a user of Airflow sees on the staff pages, where his role there lets him see an agency''s alone.';
COMMENT ON COLUMN motcua.user_agencies.user_name IS 'As Airflow names the user. Personal data of staff.';
COMMENT ON COLUMN motcua.user_agencies.agency_code IS 'An agency; one row for each.';
COMMENT ON COLUMN motcua.user_agencies.since IS 'When it was given.';
COMMENT ON COLUMN motcua.user_agencies.given_by IS 'Who gave it.';

CREATE TABLE motcua.user_agency_changes (
    change_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    changed_at timestamptz NOT NULL,
    changed_by text NOT NULL CHECK (btrim(changed_by) <> ''),
    user_name text NOT NULL,
    agency_code text NOT NULL REFERENCES motcua.agencies,
    change text NOT NULL CHECK (change IN ('given', 'taken'))
);
COMMENT ON TABLE motcua.user_agency_changes IS 'Each time that a user was given an agency, or that was taken. Append-only.';
COMMENT ON COLUMN motcua.user_agency_changes.change_id IS 'Our number.';
COMMENT ON COLUMN motcua.user_agency_changes.changed_at IS 'When.';
COMMENT ON COLUMN motcua.user_agency_changes.changed_by IS 'Who changed it. Personal data of staff.';
COMMENT ON COLUMN motcua.user_agency_changes.user_name IS 'Whose. Personal data of staff.';
COMMENT ON COLUMN motcua.user_agency_changes.agency_code IS 'Which agency.';
COMMENT ON COLUMN motcua.user_agency_changes.change IS 'given or taken.';

CREATE TABLE motcua.phone_searches (
    search_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    searched_at timestamptz NOT NULL,
    searched_by text NOT NULL CHECK (btrim(searched_by) <> ''),
    agencies text[],
    found integer NOT NULL CHECK (found >= 0)
);
COMMENT ON TABLE motcua.phone_searches IS 'Each time that somebody looked for dossiers by a citizen''s phone number, or had numbers of a source written in full; no number is kept. Append-only.';
COMMENT ON COLUMN motcua.phone_searches.search_id IS 'Our number.';
COMMENT ON COLUMN motcua.phone_searches.searched_at IS 'When.';
COMMENT ON COLUMN motcua.phone_searches.searched_by IS 'Who, as Airflow names the user. Personal data of staff.';
COMMENT ON COLUMN motcua.phone_searches.agencies IS 'Among whose dossiers; empty: all.';
COMMENT ON COLUMN motcua.phone_searches.found IS 'Dossiers found, or rows written.';
