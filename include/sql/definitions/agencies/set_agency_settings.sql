-- What an agency decides for itself, set by a person on the pages: accents, same-day procedures, hold, apology day.
-- NULL, and nothing is written, where the agency changed since change `seen`; else the number of its last change. What
-- would keep messages from citizens through anything but same-day procedures is refused, and those without a reason;
-- so are other recipients of reports, which are asked for (save_page_request). Whoever may call this can set nothing
-- else of an agency.
CREATE OR REPLACE FUNCTION motcua.set_agency_settings(of_agency text, seen bigint, wanted jsonb, set_by text)
RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, motcua AS $$
DECLARE
    was motcua.agencies;
    last_change bigint;
    silenced text[];
BEGIN
    IF coalesce(btrim(set_by), '') = '' THEN
        RAISE EXCEPTION 'settings need who sets them' USING ERRCODE = 'check_violation';
    END IF;
    SELECT * INTO was FROM motcua.agencies WHERE agency_code = of_agency FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'no agency has this code' USING ERRCODE = 'foreign_key_violation';
    END IF;
    SELECT max(change_id) INTO last_change FROM motcua.agency_changes WHERE agency_code = of_agency;
    IF last_change IS DISTINCT FROM seen THEN
        RETURN NULL;
    END IF;
    -- As a page of the version before sends them.
    IF wanted -> 'report_recipients' <> to_jsonb(was.report_recipients) THEN
        RAISE EXCEPTION 'who gets reports is asked for, not set' USING ERRCODE = 'insufficient_privilege';
    END IF;
    UPDATE motcua.agencies AS g
    SET
        accented = w.accented,
        same_day_excluded = w.same_day_excluded,
        same_day_procedures = w.same_day_procedures,
        same_day_reason = w.same_day_reason,
        result_hold = w.result_hold,
        apology_day = w.apology_day,
        changed_by = set_by,
        by_department = FALSE
    FROM jsonb_to_record(wanted) AS w (
        accented boolean, same_day_excluded boolean, same_day_procedures text[], same_day_reason text,
        result_hold interval, apology_day text
    )
    WHERE g.agency_code = of_agency;
    SELECT change_id, silences INTO last_change, silenced
    FROM motcua.agency_changes
    WHERE agency_code = of_agency
    ORDER BY change_id DESC
    LIMIT 1;
    IF last_change <> seen AND NOT silenced <@ ARRAY['same_day_excluded'] THEN
        RAISE EXCEPTION 'only the Department may silence an agency through %', array_to_string(silenced, ', ')
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    IF EXISTS (
        SELECT 1 FROM motcua.agencies AS g
        WHERE
            g.agency_code = of_agency AND g.same_day_excluded AND g.same_day_reason IS NULL
            -- As it was before a reason was asked for.
            AND NOT (
                was.same_day_excluded AND was.same_day_reason IS NULL
                AND was.same_day_procedures = g.same_day_procedures
            )
    ) THEN
        RAISE EXCEPTION 'same-day procedures need a reason' USING ERRCODE = 'check_violation';
    END IF;
    RETURN last_change;
END
$$;
COMMENT ON FUNCTION motcua.set_agency_settings(text, bigint, jsonb, text)
IS 'Sets what an agency decides for itself, unless it changed since that change; who is kept. Nothing else of an agency.';
