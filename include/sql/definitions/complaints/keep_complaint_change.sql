-- Writes complaint_changes. That a citizen asked for the erasure changes nothing of the complaint yet.
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
COMMENT ON FUNCTION motcua.keep_complaint_change() IS 'Writes complaint_changes.';
CREATE OR REPLACE TRIGGER keep_complaint_change AFTER INSERT OR UPDATE ON motcua.complaints
FOR EACH ROW EXECUTE FUNCTION motcua.keep_complaint_change();
