-- depends: 0062_check
-- What the national portal says of an agency's dossiers, as it was handed in to be compared with closings.

CREATE TABLE motcua.portal_figures (
    figure_no bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    agency_code text NOT NULL REFERENCES motcua.agencies,
    period text NOT NULL CHECK (period ~ '^[0-9]{4}-[0-9]{2}(-[0-9]{2})?$'),
    received integer NOT NULL CHECK (received >= 0),
    resolved integer NOT NULL CHECK (resolved >= 0),
    returned integer CHECK (returned >= 0),
    handed_in_by text NOT NULL CHECK (btrim(handed_in_by) <> ''),
    handed_in_at timestamptz NOT NULL,
    file_name text NOT NULL,
    file_sha256 text NOT NULL CHECK (file_sha256 ~ '^[0-9a-f]{64}$'),
    file_line integer NOT NULL CHECK (file_line > 0),
    replaces bigint UNIQUE REFERENCES motcua.portal_figures,
    UNIQUE (agency_code, period, file_sha256)
);
CREATE INDEX portal_figures_period ON motcua.portal_figures (period, agency_code, figure_no);
COMMENT ON TABLE motcua.portal_figures IS 'Figures of the national portal, by agency and period, as people handed them in; of several the newest counts. They stand beside closings and are in none, nor in a publication. Append-only.';
COMMENT ON COLUMN motcua.portal_figures.figure_no IS 'Our number.';
COMMENT ON COLUMN motcua.portal_figures.agency_code IS 'The agency.';
COMMENT ON COLUMN motcua.portal_figures.period IS 'The day (2026-11-24) or month (2026-11) that it is of.';
COMMENT ON COLUMN motcua.portal_figures.received IS 'Dossiers received in the period.';
COMMENT ON COLUMN motcua.portal_figures.resolved IS 'Dossiers resolved in the period.';
COMMENT ON COLUMN motcua.portal_figures.returned IS 'Results returned to citizens in the period; NULL: the file does not say.';
COMMENT ON COLUMN motcua.portal_figures.handed_in_by IS 'Who handed it in. Personal data of staff.';
COMMENT ON COLUMN motcua.portal_figures.handed_in_at IS 'When.';
COMMENT ON COLUMN motcua.portal_figures.file_name IS 'Name of the file that it comes from, without a folder; a phone number in it is masked.';
COMMENT ON COLUMN motcua.portal_figures.file_sha256 IS 'SHA-256 of the file: the same file again adds nothing.';
COMMENT ON COLUMN motcua.portal_figures.file_line IS 'Row of the file, as a spreadsheet counts.';
COMMENT ON COLUMN motcua.portal_figures.replaces IS 'The figures that it replaces, of the same agency and period; NULL: they are the first.';
