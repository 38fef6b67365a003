-- depends: 0014_reconciliation
-- Complaints (phản ánh): what citizens report about messages, tied to the dossier and the message that it is about.

CREATE TABLE motcua.complaints (
    complaint_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    entry_key text NOT NULL UNIQUE CHECK (entry_key ~ '^[0-9a-f]{64}$'),
    agency_code text NOT NULL REFERENCES motcua.agencies,
    dossier_code text CHECK (char_length(dossier_code) BETWEEN 1 AND 40),
    dossier_id bigint REFERENCES motcua.dossiers,
    message_id bigint REFERENCES motcua.messages,
    received_at timestamptz NOT NULL,
    channel text NOT NULL CHECK (channel IN ('hotline', 'desk', 'portal', 'letter', 'mail', 'other')),
    claim text NOT NULL CHECK (claim IN (
        'no_result_yet', 'wrong_person', 'wrong_content', 'never_received', 'not_my_dossier', 'other'
    )),
    note text CHECK (char_length(note) BETWEEN 1 AND 2000),
    recorded_by text NOT NULL CHECK (btrim(recorded_by) <> ''),
    recorded_at timestamptz NOT NULL,
    imported_from text CHECK (btrim(imported_from) <> ''),
    imported_sha256 text CHECK (imported_sha256 ~ '^[0-9a-f]{64}$'),
    imported_line integer CHECK (imported_line > 0),
    outcome text NOT NULL DEFAULT 'open' CHECK (outcome IN ('open', 'upheld', 'not_upheld')),
    outcome_by text CHECK (btrim(outcome_by) <> ''),
    outcome_at timestamptz,
    outcome_reason text CHECK (char_length(outcome_reason) BETWEEN 1 AND 2000),
    withdrawn_at timestamptz,
    withdrawn_by text CHECK (btrim(withdrawn_by) <> ''),
    withdraw_reason text CHECK (char_length(withdraw_reason) BETWEEN 1 AND 2000),
    CHECK (received_at <= recorded_at),
    CHECK (dossier_id IS NULL OR dossier_code IS NOT NULL),
    CHECK (message_id IS NULL OR dossier_id IS NOT NULL),
    CHECK (num_nonnulls(imported_from, imported_sha256, imported_line) IN (0, 3)),
    CHECK ((outcome_by IS NULL) = (outcome_at IS NULL)),
    CHECK (outcome = 'open' OR outcome_at IS NOT NULL),
    CHECK ((withdrawn_at IS NULL) = (withdrawn_by IS NULL)),
    CHECK (withdraw_reason IS NULL OR withdrawn_at IS NOT NULL)
);
CREATE INDEX complaints_received ON motcua.complaints (received_at);
CREATE INDEX complaints_dossier ON motcua.complaints (dossier_id) WHERE dossier_id IS NOT NULL;
CREATE INDEX complaints_unlinked ON motcua.complaints (complaint_id)
WHERE message_id IS NULL AND dossier_code IS NOT NULL AND withdrawn_at IS NULL;
COMMENT ON TABLE motcua.complaints IS 'Citizens'' reports (phản ánh) that a message was wrong or missing; taken back, never deleted. Holds personal data.';
COMMENT ON COLUMN motcua.complaints.complaint_id IS 'Our number.';
COMMENT ON COLUMN motcua.complaints.entry_key IS 'SHA-256 of what was entered, or of the form that it was entered in: the same file, or the same form, adds nothing the second time.';
COMMENT ON COLUMN motcua.complaints.agency_code IS 'Agency that the complaint is about.';
COMMENT ON COLUMN motcua.complaints.dossier_code IS 'Mã hồ sơ as the citizen gave it, trimmed and NFC; empty where none was given.';
COMMENT ON COLUMN motcua.complaints.dossier_id IS 'The dossier; empty while none of the agency has that code.';
COMMENT ON COLUMN motcua.complaints.message_id IS 'The message that it is taken to be about: the last one that a gateway took before it was received.';
COMMENT ON COLUMN motcua.complaints.received_at IS 'When the citizen complained; the end of that day where only the day is known.';
COMMENT ON COLUMN motcua.complaints.channel IS 'Way it came: hotline, desk, portal, letter, mail, other.';
COMMENT ON COLUMN motcua.complaints.claim IS 'What is complained of: no_result_yet (told to come, nothing there), wrong_person, wrong_content, never_received, not_my_dossier, other.';
COMMENT ON COLUMN motcua.complaints.note IS 'Words of whoever wrote it down. Personal data possible.';
COMMENT ON COLUMN motcua.complaints.recorded_by IS 'Who recorded or imported it.';
COMMENT ON COLUMN motcua.complaints.recorded_at IS 'When that was.';
COMMENT ON COLUMN motcua.complaints.imported_from IS 'Name of the file it was imported from; empty: recorded on the page.';
COMMENT ON COLUMN motcua.complaints.imported_sha256 IS 'SHA-256 of that file.';
COMMENT ON COLUMN motcua.complaints.imported_line IS 'Its line there.';
COMMENT ON COLUMN motcua.complaints.outcome IS 'What the agency''s check found: open (not checked yet), upheld, not_upheld.';
COMMENT ON COLUMN motcua.complaints.outcome_by IS 'Who wrote the outcome down.';
COMMENT ON COLUMN motcua.complaints.outcome_at IS 'When that was.';
COMMENT ON COLUMN motcua.complaints.outcome_reason IS 'What the check found, in words. Personal data possible.';
COMMENT ON COLUMN motcua.complaints.withdrawn_at IS 'When it was taken back (recorded by mistake, or the citizen took it back); it counts no more.';
COMMENT ON COLUMN motcua.complaints.withdrawn_by IS 'Who took it back.';
COMMENT ON COLUMN motcua.complaints.withdraw_reason IS 'Why. Personal data possible.';

CREATE TABLE motcua.complaint_changes (
    change_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    complaint_id bigint NOT NULL REFERENCES motcua.complaints,
    changed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    changed_by text NOT NULL,
    change text NOT NULL CHECK (change IN ('recorded', 'linked', 'outcome', 'withdrawn', 'emptied')),
    before jsonb,
    after jsonb NOT NULL
);
CREATE INDEX complaint_changes_complaint ON motcua.complaint_changes (complaint_id, change_id);
COMMENT ON TABLE motcua.complaint_changes IS 'Every change of a complaint, append-only: who, when, before, after. Holds no words of anybody.';
COMMENT ON COLUMN motcua.complaint_changes.change_id IS 'Our number, growing.';
COMMENT ON COLUMN motcua.complaint_changes.complaint_id IS 'The complaint.';
COMMENT ON COLUMN motcua.complaint_changes.changed_at IS 'When.';
COMMENT ON COLUMN motcua.complaint_changes.changed_by IS 'Who recorded it, wrote its outcome or took it back; the database''s role where a run linked it or a statement typed by hand did it.';
COMMENT ON COLUMN motcua.complaint_changes.change IS 'recorded, linked (to its dossier or message), outcome, withdrawn, emptied (of words, when personal data is purged).';
COMMENT ON COLUMN motcua.complaint_changes.before IS 'Outcome, dossier and message before; empty for a new one.';
COMMENT ON COLUMN motcua.complaint_changes.after IS 'The same after.';
CREATE TRIGGER refuse_change BEFORE UPDATE OR DELETE ON motcua.complaint_changes
FOR EACH ROW EXECUTE FUNCTION motcua.refuse_change();

CREATE FUNCTION motcua.keep_complaint() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    may_change text[] := ARRAY[
        'dossier_id', 'message_id', 'note', 'outcome', 'outcome_by', 'outcome_at', 'outcome_reason',
        'withdrawn_at', 'withdrawn_by', 'withdraw_reason'
    ];
BEGIN
    IF TG_OP = 'UPDATE'
        AND to_jsonb(OLD) - may_change = to_jsonb(NEW) - may_change
        AND (OLD.dossier_id IS NULL OR NEW.dossier_id IS NOT DISTINCT FROM OLD.dossier_id)
        AND (OLD.message_id IS NULL OR NEW.message_id IS NOT DISTINCT FROM OLD.message_id)
        AND (NEW.note IS NULL OR NEW.note IS NOT DISTINCT FROM OLD.note)
        AND (
            OLD.withdrawn_at IS NULL
            OR (
                (NEW.withdrawn_at, NEW.withdrawn_by) IS NOT DISTINCT FROM (OLD.withdrawn_at, OLD.withdrawn_by)
                AND (NEW.outcome, NEW.outcome_by, NEW.outcome_at)
                IS NOT DISTINCT FROM (OLD.outcome, OLD.outcome_by, OLD.outcome_at)
                AND (NEW.withdraw_reason IS NULL OR NEW.withdraw_reason IS NOT DISTINCT FROM OLD.withdraw_reason)
            )
        ) THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'complaint % is kept as it was recorded: % refused', OLD.complaint_id, TG_OP USING ERRCODE = 'MC001';
END
$$;
COMMENT ON FUNCTION motcua.keep_complaint() IS 'A complaint may be linked once, checked, taken back for good and emptied of words; nothing else.';
CREATE TRIGGER keep_complaint BEFORE UPDATE OR DELETE ON motcua.complaints
FOR EACH ROW EXECUTE FUNCTION motcua.keep_complaint();

CREATE FUNCTION motcua.keep_complaint_change() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, motcua AS $$
DECLARE
    told text[] := ARRAY['dossier_id', 'message_id', 'outcome', 'withdrawn_at'];
    old_row jsonb := CASE WHEN TG_OP <> 'INSERT' THEN to_jsonb(OLD) END;
BEGIN
    IF old_row IS DISTINCT FROM to_jsonb(NEW) THEN
        INSERT INTO motcua.complaint_changes (complaint_id, changed_by, change, before, after)
        SELECT
            NEW.complaint_id,
            CASE what.change
                WHEN 'recorded' THEN NEW.recorded_by
                WHEN 'withdrawn' THEN NEW.withdrawn_by
                WHEN 'outcome' THEN coalesce(NEW.outcome_by, session_user)
                ELSE session_user
            END,
            what.change,
            (SELECT jsonb_object_agg(key, value) FROM jsonb_each(old_row) WHERE key = any(told)),
            (SELECT jsonb_object_agg(key, value) FROM jsonb_each(to_jsonb(NEW)) WHERE key = any(told))
        FROM (
            SELECT CASE
                WHEN TG_OP = 'INSERT' THEN 'recorded'
                WHEN OLD.withdrawn_at IS DISTINCT FROM NEW.withdrawn_at THEN 'withdrawn'
                WHEN (OLD.outcome, OLD.outcome_at) IS DISTINCT FROM (NEW.outcome, NEW.outcome_at) THEN 'outcome'
                WHEN (OLD.dossier_id, OLD.message_id) IS DISTINCT FROM (NEW.dossier_id, NEW.message_id) THEN 'linked'
                ELSE 'emptied'
            END AS change
        ) AS what;
    END IF;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION motcua.keep_complaint_change() IS 'Writes complaint_changes.';
CREATE TRIGGER keep_complaint_change AFTER INSERT OR UPDATE ON motcua.complaints
FOR EACH ROW EXECUTE FUNCTION motcua.keep_complaint_change();

GRANT SELECT, INSERT ON motcua.complaints TO motcua_app;
GRANT UPDATE (
    dossier_id, message_id, note, outcome, outcome_by, outcome_at, outcome_reason,
    withdrawn_at, withdrawn_by, withdraw_reason
) ON motcua.complaints TO motcua_app;
GRANT SELECT ON motcua.complaint_changes TO motcua_app;

-- A code that no dossier of the agency has may be anything that was typed: it is not shown.
CREATE VIEW audit.complaints AS
SELECT
    complaint_id, agency_code, CASE WHEN dossier_id IS NOT NULL THEN dossier_code END AS dossier_code, dossier_id,
    message_id, received_at, channel, claim, recorded_by, recorded_at, imported_from, imported_sha256, imported_line,
    outcome, outcome_by, outcome_at, withdrawn_at, withdrawn_by
FROM motcua.complaints;
CREATE VIEW audit.complaint_changes AS
SELECT change_id, complaint_id, changed_at, changed_by, change, before, after FROM motcua.complaint_changes;
GRANT SELECT ON audit.complaints, audit.complaint_changes TO motcua_audit, motcua_app;
