-- Complaints: what may change in a complaint, how each change is stored, and what auditors may read.

-- Refuse every deletion of a complaint, and every change except these (motcua.complaints):
-- - The complaint is linked to its dossier, once, and to its message, once.
-- - The outcome of the agency's check is written, unless the complaint is withdrawn.
-- - The complaint is withdrawn. This cannot be undone.
-- - A citizen's request for erasure is noted.
-- - The purge of personal data empties the texts.
CREATE OR REPLACE FUNCTION motcua.keep_complaint() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    may_change text[] := ARRAY[
        'dossier_id', 'message_id', 'outcome', 'outcome_by', 'outcome_at', 'outcome_reason',
        'withdrawn_at', 'withdrawn_by', 'withdraw_reason', 'erase_asked_at'
    ];
BEGIN
    IF TG_OP = 'UPDATE' AND NEW.purged_at IS DISTINCT FROM OLD.purged_at THEN
        -- The trigger motcua.may_only_be_emptied decides what may be emptied and by which role.
        RETURN NEW;
    END IF;
    IF TG_OP = 'UPDATE'
        AND to_jsonb(OLD) - may_change = to_jsonb(NEW) - may_change
        AND (
            NEW.erase_asked_at IS NOT DISTINCT FROM OLD.erase_asked_at
            OR (OLD.erase_asked_at IS NULL AND current_user = 'motcua_eraser')
        )
        AND (OLD.dossier_id IS NULL OR NEW.dossier_id IS NOT DISTINCT FROM OLD.dossier_id)
        AND (OLD.message_id IS NULL OR NEW.message_id IS NOT DISTINCT FROM OLD.message_id)
        AND (
            OLD.withdrawn_at IS NULL
            OR (
                (NEW.withdrawn_at, NEW.withdrawn_by) IS NOT DISTINCT FROM (OLD.withdrawn_at, OLD.withdrawn_by)
                AND (NEW.outcome, NEW.outcome_by, NEW.outcome_at)
                IS NOT DISTINCT FROM (OLD.outcome, OLD.outcome_by, OLD.outcome_at)
                AND NEW.withdraw_reason IS NOT DISTINCT FROM OLD.withdraw_reason
            )
        ) THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'complaint % is kept as it was recorded: % refused', OLD.complaint_id, TG_OP USING ERRCODE = 'MC001';
END
$$;
COMMENT ON FUNCTION motcua.keep_complaint()
IS 'Refuses every deletion and every change of a complaint except these: it is linked to its dossier and its message, once to each; the outcome of the agency''s check is written; it is withdrawn, which cannot be undone; a citizen''s request for erasure is noted; and the purge of personal data empties its texts.';
CREATE OR REPLACE TRIGGER keep_complaint BEFORE UPDATE OR DELETE ON motcua.complaints
FOR EACH ROW EXECUTE FUNCTION motcua.keep_complaint();

-- Insert each new complaint and each change of a complaint into complaint_changes. If only erase_asked_at changes,
-- because a citizen requested an erasure, no row is inserted.
CREATE OR REPLACE FUNCTION motcua.keep_complaint_change() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, motcua AS $$
DECLARE
    told text[] := ARRAY['dossier_id', 'message_id', 'outcome', 'withdrawn_at'];
    old_row jsonb := CASE WHEN TG_OP <> 'INSERT' THEN to_jsonb(OLD) END;
BEGIN
    IF old_row - 'erase_asked_at' IS DISTINCT FROM to_jsonb(NEW) - 'erase_asked_at' THEN
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
COMMENT ON FUNCTION motcua.keep_complaint_change() IS 'Inserts each new complaint and each change of a complaint into complaint_changes.';
CREATE OR REPLACE TRIGGER keep_complaint_change AFTER INSERT OR UPDATE ON motcua.complaints
FOR EACH ROW EXECUTE FUNCTION motcua.keep_complaint_change();

-- Let auditors read complaints, without names, phone numbers and texts. The column "repeats" holds the number of the
-- earliest complaint that a complaint repeats. The two complaints have the same dossier, claim and day, and neither was
-- withdrawn. If one of the two is not linked to a dossier, they must have the same agency and code instead. Rows of one
-- imported file never repeat each other. If a file has several rows with the same agency, code, claim and day, its
-- second row repeats only the second such row of another file, and so on (alike_no). A complaint without a code never
-- counts as a repetition, because nothing would prove that it is about the same dossier.
CREATE OR REPLACE VIEW audit.complaints AS
SELECT
    c.complaint_id, c.agency_code, CASE WHEN c.dossier_id IS NOT NULL THEN c.dossier_code END AS dossier_code,
    c.dossier_id, c.message_id, c.received_at, c.channel, c.claim, c.recorded_by, c.recorded_at, c.imported_from,
    c.imported_sha256, c.imported_line, c.outcome, c.outcome_by, c.outcome_at, c.withdrawn_at, c.withdrawn_by,
    (
        SELECT min(e.complaint_id)
        FROM (
            SELECT a.complaint_id, a.received_at, a.alike_no, a.imported_sha256
            FROM motcua.complaints AS a
            WHERE a.dossier_id = c.dossier_id AND a.claim = c.claim AND a.withdrawn_at IS NULL
            UNION ALL
            SELECT a.complaint_id, a.received_at, a.alike_no, a.imported_sha256
            FROM motcua.complaints AS a
            WHERE
                a.agency_code = c.agency_code AND motcua.code_key(a.dossier_code) = motcua.code_key(c.dossier_code)
                AND a.claim = c.claim AND a.dossier_code IS NOT NULL AND a.withdrawn_at IS NULL
                AND (a.dossier_id IS NULL OR c.dossier_id IS NULL)
        ) AS e
        WHERE
            c.withdrawn_at IS NULL AND e.complaint_id < c.complaint_id AND e.alike_no = c.alike_no
            AND (e.received_at AT TIME ZONE interval '+07:00')::date
            = (c.received_at AT TIME ZONE interval '+07:00')::date
            AND (e.imported_sha256 <> c.imported_sha256 OR e.imported_sha256 IS NULL OR c.imported_sha256 IS NULL)
    ) AS repeats
FROM motcua.complaints AS c;
CREATE OR REPLACE VIEW audit.complaint_changes AS
SELECT change_id, complaint_id, changed_at, changed_by, change, before, after FROM motcua.complaint_changes;
