-- Apologies: texts to citizens about dossiers that will miss their due date. This file has the function that checks
-- whether an apology is still true, and the view in which auditors read the evenings on which apologies are planned.

-- Return whether an apology is still true (motcua.dossiers, motcua.last_step): its dossier is in progress (status 2 or
-- 4), is due on the day in of_occasion (such as 'due 2026-05-04'), and was not handed over. A hand-over does not count
-- if the last step happened after it. The status is that of the dossier's row or of its last step, whichever is newer.
-- The row's status is also used if motcua.last_step returns a true row_speaks: a step that was typed in late
-- (motcua.old_steps) then follows the last step, and the late step counts or is not judged yet.
CREATE OR REPLACE FUNCTION motcua.apology_holds(of_dossier bigint, of_occasion text) RETURNS boolean
LANGUAGE sql STABLE AS $$
    SELECT coalesce(
        CASE
            WHEN l.row_speaks AND d.status_code IS NOT NULL THEN d.status_code
            WHEN l.recorded_at > coalesce(d.updated_at, '-infinity') THEN l.status_code
            ELSE d.status_code
        END IN (2, 4)
        AND 'due ' || to_char(d.due_at AT TIME ZONE 'Asia/Ho_Chi_Minh', 'YYYY-MM-DD') = of_occasion
        AND (d.returned_at IS NULL OR l.occurred_at > d.returned_at),
        FALSE
    )
    FROM motcua.dossiers AS d
    LEFT JOIN LATERAL motcua.last_step(
        d.dossier_id, 'infinity', 9223372036854775807, 9223372036854775807
    ) AS l ON TRUE
    WHERE d.dossier_id = of_dossier
$$;
COMMENT ON FUNCTION motcua.apology_holds(bigint, text)
IS 'Returns whether an apology is still true: its dossier is in progress, is due on the day that the apology names, and was not handed over. The status is that of the dossier''s row or that of its last step, whichever is newer.';

-- Let auditors read the evenings on which an agency's apologies were planned or found to be missed.
CREATE OR REPLACE VIEW audit.apology_evenings AS
SELECT
    agency_code, day, evening_at, apology_day, state, first_due, last_due, useful_until, settled_at, known_transition,
    known_version, looked_at, queued, suppressed, missed
FROM motcua.apology_evenings;
