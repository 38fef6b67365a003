-- Exports: files of dossiers that one-stop software writes. The tables store how each source writes its files, the
-- outcome of each file, and the last exported state of each dossier. The dossiers and steps themselves are in
-- intake.pushed_dossiers and intake.pushed_steps.

CREATE TABLE intake.export_forms (
    form_no bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    client_id bigint NOT NULL REFERENCES intake.clients,
    form jsonb NOT NULL,
    set_at timestamptz NOT NULL,
    set_by text NOT NULL CHECK (btrim(set_by) <> '')
);
CREATE INDEX export_forms_client ON intake.export_forms (client_id, form_no);
COMMENT ON TABLE intake.export_forms IS 'Forms: each describes how a source writes its exports. A source''s newest form is in force. Append-only.';
COMMENT ON COLUMN intake.export_forms.form_no IS 'Our number of the form.';
COMMENT ON COLUMN intake.export_forms.client_id IS 'The account under which the rows of the exports are stored.';
COMMENT ON COLUMN intake.export_forms.form IS 'The form as JSON: the headings of the columns, the names of statuses, and everything else that is needed to read the file.';
COMMENT ON COLUMN intake.export_forms.set_at IS 'When the form was set.';
COMMENT ON COLUMN intake.export_forms.set_by IS 'Person who set the form. Personal data of staff.';

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
COMMENT ON TABLE intake.exports IS 'Files that a source exported, and the outcome of each.';
COMMENT ON COLUMN intake.exports.export_no IS 'Our number of the file.';
COMMENT ON COLUMN intake.exports.source IS 'Name of the source that exported the file.';
COMMENT ON COLUMN intake.exports.name IS 'Name of the exported file.';
COMMENT ON COLUMN intake.exports.size IS 'Size of the file in bytes.';
COMMENT ON COLUMN intake.exports.modified_at IS 'When the file was last written, according to the folder that it lies in.';
COMMENT ON COLUMN intake.exports.seen_at IS 'When the file was first found with its present size and modified_at.';
COMMENT ON COLUMN intake.exports.sent_by IS 'Person who uploaded the file on the page of exports; empty: the file was put into the folder directly. Personal data of staff.';
COMMENT ON COLUMN intake.exports.sent_at IS 'When the person in sent_by confirmed the file.';
COMMENT ON COLUMN intake.exports.state IS 'State: waiting (until the file is complete), taken, repeated (it was taken before), outdated (a newer file was taken), refused, accepted (it was refused and then taken because a person accepted it) or removed (it was gone from its folder before it was read).';
COMMENT ON COLUMN intake.exports.form_no IS 'The form by which the file was read.';
COMMENT ON COLUMN intake.exports.sha256 IS 'SHA-256 of the file.';
COMMENT ON COLUMN intake.exports.exported_at IS 'When the file was exported: the time in its name, or the time at which it was last written.';
COMMENT ON COLUMN intake.exports.is_whole IS 'Whether the file contains all dossiers (true) or only changed ones (false).';
COMMENT ON COLUMN intake.exports.ends_a_line IS 'Whether the last line of the file was complete; empty: a workbook.';
COMMENT ON COLUMN intake.exports.read_at IS 'When the file was read, or when it was found that it was removed before it was read.';
COMMENT ON COLUMN intake.exports.lines IS 'Number of lines below the headings.';
COMMENT ON COLUMN intake.exports.dossiers IS 'Number of dossiers with usable data in the file.';
COMMENT ON COLUMN intake.exports.added IS 'Number of dossiers that were not known before.';
COMMENT ON COLUMN intake.exports.moved IS 'Number of known dossiers with a new step, such as another status, step name or place (at the one-stop desk or not).';
COMMENT ON COLUMN intake.exports.older IS 'Number of dossiers that were not changed, because a newer file about them had been read.';
COMMENT ON COLUMN intake.exports.refused IS 'Number of lines that could not be used.';
COMMENT ON COLUMN intake.exports.vanished IS 'Number of dossiers that earlier files contained and that this file is the first complete export (is_whole) to lack.';
COMMENT ON COLUMN intake.exports.faults IS 'The first 500 faults by line and heading, without any value of a cell.';
COMMENT ON COLUMN intake.exports.accepted_by IS 'Person who accepted the refused file. Personal data of staff.';
COMMENT ON COLUMN intake.exports.accepted_at IS 'When the person in accepted_by accepted the refused file.';
COMMENT ON COLUMN intake.exports.accepted_why IS 'Why the person in accepted_by accepted the refused file.';

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
COMMENT ON TABLE intake.exported_dossiers IS 'The last known state of each exported dossier, with which the next export is compared.';
COMMENT ON COLUMN intake.exported_dossiers.dossier_no IS 'The dossier, in intake.pushed_dossiers.';
COMMENT ON COLUMN intake.exported_dossiers.export_no IS 'The last file that gave the dossier another state, or the last export of changes (is_whole is false) that set its state.';
COMMENT ON COLUMN intake.exported_dossiers.exported_at IS 'When the file in export_no was exported.';
COMMENT ON COLUMN intake.exported_dossiers.happened_at IS 'When the dossier''s last step in the file of export_no happened. If the file does not state it: when the file was exported or, for a dossier that is new in the first complete export, when it was returned, finished or received.';
COMMENT ON COLUMN intake.exported_dossiers.state IS 'SHA-256 of the dossier''s status, step name and place (at the one-stop desk or not).';
COMMENT ON COLUMN intake.exported_dossiers.vanished_in IS 'The first complete export that no longer contains the dossier; empty: there is none, or a later complete export contains the dossier again.';
