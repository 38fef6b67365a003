-- Complaints (phản ánh): citizens' reports about messages, linked to the dossier and the message.

CREATE TABLE motcua.complaints (
    complaint_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    entry_key text NOT NULL UNIQUE CHECK (entry_key ~ '^[0-9a-f]{64}$'),
    alike_no integer NOT NULL DEFAULT 1 CHECK (alike_no > 0),
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
    purged_at timestamptz,
    erase_asked_at timestamptz,
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
CREATE INDEX complaints_alike ON motcua.complaints (
    agency_code, motcua.code_key(dossier_code), claim, alike_no, ((received_at AT TIME ZONE interval '+07:00')::date)
) WHERE dossier_code IS NOT NULL AND withdrawn_at IS NULL;
COMMENT ON TABLE motcua.complaints IS 'Citizens'' reports (phản ánh) that a message was wrong or missing. A complaint can be withdrawn and is never deleted. Holds personal data.';
COMMENT ON COLUMN motcua.complaints.complaint_id IS 'Our number of the complaint.';
COMMENT ON COLUMN motcua.complaints.entry_key IS 'SHA-256 that identifies the imported row or the form on the page. So a file that is imported twice, or a form that is sent twice, adds no second complaint.';
COMMENT ON COLUMN motcua.complaints.alike_no IS 'Position of the row among the rows of its file with the same agency, code, claim and day; 1 for a complaint that was entered on the page.';
COMMENT ON COLUMN motcua.complaints.agency_code IS 'Agency that the complaint concerns.';
COMMENT ON COLUMN motcua.complaints.dossier_code IS 'Code of the dossier (mã hồ sơ) as the citizen gave it, trimmed and in the form NFC; empty: none was given.';
COMMENT ON COLUMN motcua.complaints.dossier_id IS 'The dossier; empty while no dossier of the agency has that code.';
COMMENT ON COLUMN motcua.complaints.message_id IS 'The message that the complaint is probably about: the last one that a gateway accepted before the complaint was received.';
COMMENT ON COLUMN motcua.complaints.received_at IS 'When the citizen complained; the end of that day if only the day is known.';
COMMENT ON COLUMN motcua.complaints.channel IS 'Channel: hotline, desk, portal, letter, mail or other.';
COMMENT ON COLUMN motcua.complaints.claim IS 'Claim: no_result_yet (the citizen was texted to come and there was no result), wrong_person, wrong_content, never_received, not_my_dossier or other.';
COMMENT ON COLUMN motcua.complaints.note IS 'Note about the complaint by the person who recorded it. May hold personal data.';
COMMENT ON COLUMN motcua.complaints.recorded_by IS 'Person who recorded or imported the complaint.';
COMMENT ON COLUMN motcua.complaints.recorded_at IS 'When the complaint was recorded.';
COMMENT ON COLUMN motcua.complaints.imported_from IS 'Name of the imported file; empty: the complaint was entered on the page.';
COMMENT ON COLUMN motcua.complaints.imported_sha256 IS 'SHA-256 of the imported file.';
COMMENT ON COLUMN motcua.complaints.imported_line IS 'Line of the complaint in the imported file.';
COMMENT ON COLUMN motcua.complaints.outcome IS 'Outcome of the agency''s check: open (not checked yet), upheld or not_upheld.';
COMMENT ON COLUMN motcua.complaints.outcome_by IS 'Person who wrote the outcome of the agency''s check.';
COMMENT ON COLUMN motcua.complaints.outcome_at IS 'When the outcome of the agency''s check was written.';
COMMENT ON COLUMN motcua.complaints.outcome_reason IS 'What the agency''s check found, as text. May hold personal data.';
COMMENT ON COLUMN motcua.complaints.withdrawn_at IS 'When the complaint was withdrawn, because it was recorded by mistake or the citizen withdrew it. A withdrawn complaint no longer counts.';
COMMENT ON COLUMN motcua.complaints.withdrawn_by IS 'Person who withdrew the complaint.';
COMMENT ON COLUMN motcua.complaints.withdraw_reason IS 'Why the complaint was withdrawn. May hold personal data.';
COMMENT ON COLUMN motcua.complaints.purged_at IS 'When the texts (note, outcome_reason, withdraw_reason) were last emptied by the purge of personal data.';
COMMENT ON COLUMN motcua.complaints.erase_asked_at IS 'Only for a complaint without a dossier: when a citizen asked for erasure, if this complaint or another one of the agency with the same code was open then. The complaint''s texts are emptied as soon as the agency has no open complaint with that code, without waiting for the agency''s retention term. Empty: no citizen asked for erasure, or the texts were emptied at once.';

CREATE TABLE motcua.complaint_changes (
    change_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    complaint_id bigint NOT NULL REFERENCES motcua.complaints,
    changed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    changed_by text NOT NULL CHECK (btrim(changed_by) <> ''),
    change text NOT NULL CHECK (change IN ('recorded', 'linked', 'outcome', 'withdrawn', 'emptied')),
    before jsonb,
    after jsonb NOT NULL
);
CREATE INDEX complaint_changes_complaint ON motcua.complaint_changes (complaint_id, change_id);
COMMENT ON TABLE motcua.complaint_changes IS 'Every change of a complaint, append-only: who, when, before and after. Holds none of the complaint''s texts.';
COMMENT ON COLUMN motcua.complaint_changes.change_id IS 'Our number of the change, growing.';
COMMENT ON COLUMN motcua.complaint_changes.complaint_id IS 'The complaint that was changed.';
COMMENT ON COLUMN motcua.complaint_changes.changed_at IS 'When the complaint was changed.';
COMMENT ON COLUMN motcua.complaint_changes.changed_by IS 'Person who recorded the complaint, wrote its outcome or withdrew it; for any other change the database role that made it.';
COMMENT ON COLUMN motcua.complaint_changes.change IS 'Change: recorded, linked (to its dossier or message), outcome, withdrawn or emptied (of texts by the purge of personal data).';
COMMENT ON COLUMN motcua.complaint_changes.before IS 'Outcome, dossier and message before the change; empty for a new complaint.';
COMMENT ON COLUMN motcua.complaint_changes.after IS 'Outcome, dossier and message after the change.';
