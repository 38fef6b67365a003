-- Exports that are dropped as files: how each source writes them, what was seen of each file, and what the last one
-- said of each dossier. The dossiers and steps themselves are kept as pushed ones are.

CREATE TABLE intake.export_forms (
    form_no bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    client_id bigint NOT NULL REFERENCES intake.clients,
    form jsonb NOT NULL,
    set_at timestamptz NOT NULL,
    set_by text NOT NULL CHECK (btrim(set_by) <> '')
);
CREATE INDEX export_forms_client ON intake.export_forms (client_id, form_no);
COMMENT ON TABLE intake.export_forms IS 'How a source writes its exports; the newest form is in force. Append-only.';
COMMENT ON COLUMN intake.export_forms.form_no IS 'Our number.';
COMMENT ON COLUMN intake.export_forms.client_id IS 'The account that its rows are kept under.';
COMMENT ON COLUMN intake.export_forms.form IS 'Headings of the columns, words of statuses, and the rest of the form.';
COMMENT ON COLUMN intake.export_forms.set_at IS 'Since when.';
COMMENT ON COLUMN intake.export_forms.set_by IS 'Who set it. Personal data of staff.';

CREATE TABLE intake.exports (
    export_no bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    source text NOT NULL,
    name text NOT NULL,
    size bigint NOT NULL CHECK (size >= 0),
    modified_at timestamptz NOT NULL,
    seen_at timestamptz NOT NULL,
    sent_by text CHECK (btrim(sent_by) <> ''),
    sent_at timestamptz,
    state text NOT NULL
    CHECK (
        state IN ('waiting', 'taken', 'repeated', 'outdated', 'refused', 'accepted', 'removed')
    ),
    form_no bigint REFERENCES intake.export_forms,
    sha256 bytea CHECK (length(sha256) = 32),
    exported_at timestamptz,
    is_whole boolean,
    ends_a_line boolean,
    read_at timestamptz,
    lines bigint NOT NULL DEFAULT 0,
    dossiers bigint NOT NULL DEFAULT 0,
    added bigint NOT NULL DEFAULT 0,
    moved bigint NOT NULL DEFAULT 0,
    older bigint NOT NULL DEFAULT 0,
    refused bigint NOT NULL DEFAULT 0,
    vanished bigint NOT NULL DEFAULT 0,
    faults jsonb NOT NULL DEFAULT '[]',
    accepted_by text CHECK (btrim(accepted_by) <> ''),
    accepted_at timestamptz,
    accepted_why text,
    CHECK ((state = 'waiting') = (read_at IS NULL)),
    CHECK ((accepted_by IS NULL) = (accepted_at IS NULL)),
    CONSTRAINT exports_sent_check CHECK ((sent_by IS NULL) = (sent_at IS NULL))
);
CREATE UNIQUE INDEX exports_file ON intake.exports (source, name, size, modified_at);
CREATE UNIQUE INDEX exports_waiting ON intake.exports (source, name) WHERE state = 'waiting';
CREATE INDEX exports_source ON intake.exports (source, export_no);
CREATE INDEX exports_form ON intake.exports (form_no);
COMMENT ON TABLE intake.exports IS 'Files that were dropped as exports of a source, and what became of each.';
COMMENT ON COLUMN intake.exports.export_no IS 'Our number.';
COMMENT ON COLUMN intake.exports.source IS 'Name of the source.';
COMMENT ON COLUMN intake.exports.name IS 'Name of the file.';
COMMENT ON COLUMN intake.exports.size IS 'Its bytes.';
COMMENT ON COLUMN intake.exports.modified_at IS 'When it was last written, as its folder says.';
COMMENT ON COLUMN intake.exports.seen_at IS 'When it was first seen so.';
COMMENT ON COLUMN intake.exports.sent_by IS 'Who sent it by the page; empty: it was dropped. Personal data of staff.';
COMMENT ON COLUMN intake.exports.sent_at IS 'When he confirmed it.';
COMMENT ON COLUMN intake.exports.state IS 'waiting (for being whole), taken, repeated (it was taken before), outdated (a newer one was), refused, accepted (it had been refused, and was taken as it is because a person said so), removed (it was gone from its folder before it was read).';
COMMENT ON COLUMN intake.exports.form_no IS 'The form that it was read by.';
COMMENT ON COLUMN intake.exports.sha256 IS 'SHA-256 of its bytes.';
COMMENT ON COLUMN intake.exports.exported_at IS 'When it was exported: as its name tells, else when it was last written.';
COMMENT ON COLUMN intake.exports.is_whole IS 'Whether it says how all dossiers stand; else what changed.';
COMMENT ON COLUMN intake.exports.ends_a_line IS 'Whether its last line was ended; empty: a workbook.';
COMMENT ON COLUMN intake.exports.read_at IS 'When it was read, or seen to be gone.';
COMMENT ON COLUMN intake.exports.lines IS 'Lines below its headings.';
COMMENT ON COLUMN intake.exports.dossiers IS 'Dossiers of which it said something that could be used.';
COMMENT ON COLUMN intake.exports.added IS 'Dossiers that were not known before.';
COMMENT ON COLUMN intake.exports.moved IS 'Dossiers that were known, and whose status, step or place had changed.';
COMMENT ON COLUMN intake.exports.older IS 'Dossiers of which a newer file had told.';
COMMENT ON COLUMN intake.exports.refused IS 'Lines that could not be used.';
COMMENT ON COLUMN intake.exports.vanished IS 'Dossiers that earlier whole exports had, and this one first had not.';
COMMENT ON COLUMN intake.exports.faults IS 'What was wrong, by line and heading: the first 500; no value of a cell.';
COMMENT ON COLUMN intake.exports.accepted_by IS 'Who said to take it as it is. Personal data of staff.';
COMMENT ON COLUMN intake.exports.accepted_at IS 'When.';
COMMENT ON COLUMN intake.exports.accepted_why IS 'Why.';

CREATE TABLE intake.exported_dossiers (
    dossier_no bigint PRIMARY KEY REFERENCES intake.pushed_dossiers,
    export_no bigint NOT NULL REFERENCES intake.exports,
    exported_at timestamptz NOT NULL,
    happened_at timestamptz NOT NULL,
    state bytea NOT NULL CHECK (length(state) = 32),
    vanished_in bigint REFERENCES intake.exports
);
CREATE INDEX exported_dossiers_export ON intake.exported_dossiers (export_no);
CREATE INDEX exported_dossiers_vanished ON intake.exported_dossiers (vanished_in) WHERE vanished_in IS NOT NULL;
COMMENT ON TABLE intake.exported_dossiers IS 'What the last export said of each dossier, for telling what the next one changes.';
COMMENT ON COLUMN intake.exported_dossiers.dossier_no IS 'The dossier.';
COMMENT ON COLUMN intake.exported_dossiers.export_no IS 'The file that last told something new of it.';
COMMENT ON COLUMN intake.exported_dossiers.exported_at IS 'When that one was exported.';
COMMENT ON COLUMN intake.exported_dossiers.happened_at IS 'When its step happened, as far as is known.';
COMMENT ON COLUMN intake.exported_dossiers.state IS 'SHA-256 of its status, step and place.';
COMMENT ON COLUMN intake.exported_dossiers.vanished_in IS 'The first of the whole exports that have it no more; empty: it is there.';
