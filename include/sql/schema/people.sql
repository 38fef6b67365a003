-- The agencies that each Airflow user sees on the staff pages, who granted or revoked them, and who searched for
-- dossiers by a phone number.

CREATE TABLE motcua.user_agencies (
    user_name text NOT NULL CHECK (btrim(user_name) <> ''),
    agency_code text NOT NULL REFERENCES motcua.agencies,
    since timestamptz NOT NULL,
    given_by text NOT NULL CHECK (btrim(given_by) <> ''),
    PRIMARY KEY (user_name, agency_code)
);
COMMENT ON TABLE motcua.user_agencies IS 'Agencies whose rows a user of Airflow sees on the staff pages. The table matters only for users whose role (agency''s administrator or clerk) does not let them see all agencies.';
COMMENT ON COLUMN motcua.user_agencies.user_name IS 'Name of the user in Airflow. Personal data of staff.';
COMMENT ON COLUMN motcua.user_agencies.agency_code IS 'The agency that the user sees; a user has one row for each such agency.';
COMMENT ON COLUMN motcua.user_agencies.since IS 'When the agency was granted to the user.';
COMMENT ON COLUMN motcua.user_agencies.given_by IS 'Person who granted the agency to the user.';

CREATE TABLE motcua.user_agency_changes (
    change_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    changed_at timestamptz NOT NULL,
    changed_by text NOT NULL CHECK (btrim(changed_by) <> ''),
    user_name text NOT NULL,
    agency_code text NOT NULL REFERENCES motcua.agencies,
    change text NOT NULL CHECK (change IN ('given', 'taken'))
);
COMMENT ON TABLE motcua.user_agency_changes IS 'Changes of user_agencies: an agency was granted to a user, or revoked. Append-only.';
COMMENT ON COLUMN motcua.user_agency_changes.change_id IS 'Our number of the change.';
COMMENT ON COLUMN motcua.user_agency_changes.changed_at IS 'When the change was made.';
COMMENT ON COLUMN motcua.user_agency_changes.changed_by IS 'Person who made the change. Personal data of staff.';
COMMENT ON COLUMN motcua.user_agency_changes.user_name IS 'User whose agencies changed. Personal data of staff.';
COMMENT ON COLUMN motcua.user_agency_changes.agency_code IS 'The agency that was granted or revoked.';
COMMENT ON COLUMN motcua.user_agency_changes.change IS 'Whether the agency was granted (given) or revoked (taken).';

CREATE TABLE motcua.phone_searches (
    search_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    searched_at timestamptz NOT NULL,
    searched_by text NOT NULL CHECK (btrim(searched_by) <> ''),
    agencies text[],
    found integer NOT NULL CHECK (found >= 0)
);
COMMENT ON TABLE motcua.phone_searches IS 'Who searched for dossiers by a citizen''s phone number, or had phone numbers of a source written to a file unmasked (motcua phones). The numbers are not stored. Append-only.';
COMMENT ON COLUMN motcua.phone_searches.search_id IS 'Our number of the search or file.';
COMMENT ON COLUMN motcua.phone_searches.searched_at IS 'When the search was made or the file was written.';
COMMENT ON COLUMN motcua.phone_searches.searched_by IS 'Person who searched or wrote the file: the name in Airflow, or the name given to the command. Personal data of staff.';
COMMENT ON COLUMN motcua.phone_searches.agencies IS 'Agencies among whose dossiers the user searched; empty: all agencies.';
COMMENT ON COLUMN motcua.phone_searches.found IS 'Number of dossiers that the search found, or of rows in the file.';
