-- Gives dossiers the status of their last step where their rows are behind it: a row was held back because it came
-- before its step, or no row comes with a step. Behind are 1, 2, none, what an earlier step told, and what was pushed
-- before the last step happened; the row of an ended dossier only where a step told its end.
--
-- Which step is the last is told as pick-up tells it: the one that came last, but for those that happened more than
-- ten minutes (twice what a source's clocks may be off) before another. Within ten minutes a row that was pushed, and
-- agrees with the step that happened last by its time, stays; it speaks again where a step comes that was overtaken by
-- that one (a call that failed was made again), as by numbers alone the last one would have been taken back. Where the
-- last one came more than ten minutes ago it does not: what it says was told by then, and would be told twice.
--
-- Called by the functions of this folder alone, which run as the owner and hold the source's lock.
CREATE OR REPLACE FUNCTION intake.follow_steps(
    of_source text, codes text[], moment timestamptz
) RETURNS void LANGUAGE sql SET search_path = pg_catalog AS $$
    WITH steps AS (
        SELECT
            s.agency_code,
            s.dossier_code,
            s.transition_id,
            s.status_code,
            s.supplement_at_desk,
            s.recorded_at,
            -- No step happened after it came, whatever its clock says.
            least(s.occurred_at, s.recorded_at) AS happened_at
        FROM intake.pushed_steps AS s
        WHERE s.source = of_source AND s.dossier_code = any(codes) AND s.agency_code IS NOT NULL
    ),

    found AS (
        SELECT
            d.dossier_no,
            n.status_code,
            n.supplement_at_desk,
            d.status_code IS DISTINCT FROM n.status_code
            AND (
                coalesce(d.status_code IN (1, 2), TRUE)
                OR (d.status_code NOT IN (3, 7, 10) AND n.happened_at > d.updated_at)
                OR EXISTS (
                    SELECT 1 FROM steps AS e
                    WHERE
                        e.agency_code = d.agency_code AND e.dossier_code = d.dossier_code
                        AND e.status_code = d.status_code
                )
            )
            AND NOT coalesce(t.is_of_row, FALSE) AS is_behind,
            t.is_of_row AND t.status_code <> n.status_code AND n.recorded_at = moment
            AND t.recorded_at > moment - interval '10 minutes' AS speaks_again
        FROM intake.pushed_dossiers AS d
        CROSS JOIN LATERAL (
            SELECT
                s.*,
                -- The row came since it happened; one that followed it has its moment.
                s.status_code = d.status_code AND d.updated_at >= s.happened_at AND s.recorded_at <> d.updated_at
                    AS is_of_row
            FROM steps AS s
            WHERE s.agency_code = d.agency_code AND s.dossier_code = d.dossier_code
            ORDER BY s.happened_at DESC, s.transition_id DESC
            LIMIT 1
        ) AS t
        CROSS JOIN LATERAL (
            SELECT s.* FROM steps AS s
            WHERE
                s.agency_code = d.agency_code AND s.dossier_code = d.dossier_code
                AND s.happened_at >= t.happened_at - interval '10 minutes'
            ORDER BY s.transition_id DESC
            LIMIT 1
        ) AS n
        WHERE
            d.source = of_source AND d.dossier_code = any(codes) AND d.purged_at IS NULL
            AND n.status_code IS NOT NULL
    )

    UPDATE intake.pushed_dossiers AS d SET
        status_code = CASE WHEN f.is_behind THEN f.status_code ELSE d.status_code END,
        supplement_at_desk = CASE WHEN f.is_behind THEN f.supplement_at_desk ELSE d.supplement_at_desk END,
        -- Newer than the step that came with it: then the row decides.
        updated_at = moment + CASE WHEN f.is_behind THEN interval '0' ELSE interval '1 microsecond' END
    FROM found AS f
    WHERE d.dossier_no = f.dossier_no AND (f.is_behind OR f.speaks_again)
$$;
COMMENT ON FUNCTION intake.follow_steps(text, text[], timestamptz) IS 'Gives dossiers the status of their last step where their rows are behind it.';
