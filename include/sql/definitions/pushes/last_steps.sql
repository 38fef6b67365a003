-- The last step of a dossier, told twice; no row: it has none.
--
-- By its number (status_code and what follows), as pick-up tells it: the one that came last, but for those that
-- happened more than ten minutes (twice what a source's clocks may be off) before another. No step happened after it
-- came, whatever its clock says; a day without a time of day, and the end of a dossier, are never too old.
--
-- By its clock (clock_status and what follows): of those same steps the one that is stamped latest. A stamp far ahead
-- is none. clock_said_from: from when on a row's word may be about that step; where the clock is ahead the row that
-- came with the step came before its stamp.
--
-- Called by follow_steps.sql and take_dossiers.sql of the intake alone, which run as the owner.
CREATE OR REPLACE FUNCTION intake.last_steps(
    of_source text, of_agency text, of_code text
) RETURNS TABLE (
    status_code smallint, supplement_at_desk boolean, happened_at timestamptz, recorded_at timestamptz,
    clock_status smallint, clock_supplement boolean, clock_said_from timestamptz, clock_recorded_at timestamptz
) LANGUAGE sql STABLE SET search_path = pg_catalog AS $$
    WITH steps AS (
        SELECT
            s.*,
            least(s.occurred_at, s.recorded_at) AS happened_at,
            max(least(s.occurred_at, s.recorded_at)) OVER () AS latest_at,
            (s.occurred_at AT TIME ZONE 'Asia/Ho_Chi_Minh')::time = '00:00' AS is_day_alone
        FROM intake.pushed_steps AS s
        WHERE s.source = of_source AND s.agency_code = of_agency AND s.dossier_code = of_code
    ),

    standing AS (
        SELECT
            s.*,
            CASE
                WHEN s.is_day_alone OR s.occurred_at > s.recorded_at + interval '10 minutes' THEN s.recorded_at
                ELSE s.occurred_at
            END AS stamped_at
        FROM steps AS s
        WHERE s.happened_at >= s.latest_at - interval '10 minutes' OR s.is_day_alone OR s.status_code IN (3, 7, 10)
    )

    SELECT
        n.status_code, n.supplement_at_desk, n.happened_at, n.recorded_at,
        t.status_code, t.supplement_at_desk,
        CASE WHEN t.stamped_at > t.recorded_at THEN t.recorded_at - interval '10 minutes' ELSE t.stamped_at END,
        t.recorded_at
    FROM (SELECT s.* FROM standing AS s ORDER BY s.transition_id DESC LIMIT 1) AS n
    CROSS JOIN (SELECT s.* FROM standing AS s ORDER BY s.stamped_at DESC, s.transition_id DESC LIMIT 1) AS t
$$;
COMMENT ON FUNCTION intake.last_steps(text, text, text) IS 'The last step of a dossier, by its number and by its clock.';
