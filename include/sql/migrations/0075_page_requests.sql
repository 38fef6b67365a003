-- depends: 0073_sleeps
-- Add the table of requests that people make on a page. A worker carries out a request after a mail about it was sent
-- to the Department, which runs the system. This migration also ends the mappings of the status codes 1 to 10, which an
-- earlier version allowed.

CREATE TABLE motcua.page_requests (
    request_no bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind text NOT NULL CHECK (kind IN ('map_status', 'release', 'recipients', 'export_form')),
    subject text CHECK (btrim(subject) <> ''),
    wanted jsonb NOT NULL CHECK (jsonb_typeof(wanted) = 'object' AND octet_length(wanted::text) <= 65536),
    asked_at timestamptz NOT NULL DEFAULT now(),
    asked_by text NOT NULL CHECK (btrim(asked_by) <> '' AND length(asked_by) <= 200),
    told_at timestamptz,
    applies_at timestamptz,
    told jsonb,
    untold_because text,
    ended_at timestamptz,
    ended_by text CHECK (btrim(ended_by) <> '' AND length(ended_by) <= 200),
    outcome text CHECK (outcome IN ('done', 'withdrawn', 'changed', 'nothing_left', 'refused')),
    released integer,
    CHECK ((told_at IS NULL) = (applies_at IS NULL) AND (told_at IS NULL) = (told IS NULL)),
    CHECK (applies_at >= told_at),
    CHECK ((ended_at IS NULL) = (outcome IS NULL)),
    CHECK ((outcome = 'withdrawn') = (ended_by IS NOT NULL)),
    -- Addresses are personal data of staff, so they are stored only while the request is open.
    CHECK (ended_at IS NULL OR NOT wanted ? 'addresses')
);
CREATE UNIQUE INDEX page_requests_open ON motcua.page_requests (kind, subject) WHERE ended_at IS NULL;

-- The status codes 1 to 10 mean the same at every source. An existing mapping of such a code ends at the end of the
-- thirtieth day after this migration, in Vietnam's time zone. It ends earlier if somebody maps the code to itself. The
-- column's default value writes this time into all existing rows. Then the default is dropped, so that later rows get
-- no time. For other codes the time has no effect.
ALTER TABLE motcua.status_maps
ADD COLUMN ends_at timestamptz DEFAULT date_trunc('day', now(), 'Asia/Ho_Chi_Minh') + interval '31 days';
ALTER TABLE motcua.status_maps ALTER COLUMN ends_at DROP DEFAULT;
ALTER TABLE motcua.status_maps
ADD CONSTRAINT codes_of_the_contract_are_not_mapped
CHECK (source_status < 1 OR source_status > 10 OR status_code = source_status) NOT VALID;
