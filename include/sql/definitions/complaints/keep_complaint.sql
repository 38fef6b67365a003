-- A complaint may be linked once, checked, taken back for good and, by its purge alone, emptied of words; nothing else.
CREATE OR REPLACE FUNCTION motcua.keep_complaint() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    may_change text[] := ARRAY[
        'dossier_id', 'message_id', 'outcome', 'outcome_by', 'outcome_at', 'outcome_reason',
        'withdrawn_at', 'withdrawn_by', 'withdraw_reason', 'erase_asked_at'
    ];
BEGIN
    IF TG_OP = 'UPDATE' AND NEW.purged_at IS DISTINCT FROM OLD.purged_at THEN
        -- What may be emptied, and by whom, motcua.may_only_be_emptied decides.
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
COMMENT ON FUNCTION motcua.keep_complaint() IS 'A complaint may be linked once, checked, taken back for good and, by its purge alone, emptied of words; nothing else.';
CREATE OR REPLACE TRIGGER keep_complaint BEFORE UPDATE OR DELETE ON motcua.complaints
FOR EACH ROW EXECUTE FUNCTION motcua.keep_complaint();
