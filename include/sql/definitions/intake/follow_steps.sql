-- Gives dossiers the status of their last step where their rows are behind it: a row was held back because it came
-- before its step, or no row comes with a step. Behind are 1, 2, none, what an earlier step told, what was said
-- before the last step happened, and whatever is neither a result nor an end where the step calls for a message:
-- pick-up tells it as it comes, and what is told must be counted. The row of an ended dossier only where a step told
-- its end.
--
-- Which step is the last is told by last_steps.sql, as pick-up tells it. Within ten minutes of it clocks say nothing
-- of the order, and the row does: one that said what the step says that is last by its clock, since that step
-- happened, has that status. It speaks again where another step came after that one (a call that failed was made
-- again), as by numbers alone the other would stand. Where that one came more than ten minutes ago it does not, but
-- against a step that calls for a message: what it says was told by then, and would be told twice.
--
-- What a row said is its newest push that told anything new, also where it was held back.
--
-- Called by the functions of this folder alone, which run as the owner and hold the source's lock.
CREATE OR REPLACE FUNCTION intake.follow_steps(
    of_source text, codes text[], moment timestamptz
) RETURNS void LANGUAGE sql SET search_path = pg_catalog AS $$
    WITH judged AS (
        SELECT
            d.dossier_no,
            d.agency_code,
            d.dossier_code,
            d.status_code AS status_before,
            coalesce(d.said_at, d.updated_at) AS said_at,
            s.*,
            coalesce(
                s.clock_status <> s.status_code AND d.said_status = s.clock_status AND d.said_at >= s.clock_said_from,
                FALSE
            ) AS row_decides
        FROM intake.pushed_dossiers AS d
        CROSS JOIN LATERAL intake.last_steps(d.source, d.agency_code, d.dossier_code) AS s
        WHERE
            d.source = of_source AND d.dossier_code = any(codes) AND d.purged_at IS NULL
            AND s.status_code IS NOT NULL
    ),

    found AS (
        SELECT
            j.dossier_no,
            j.row_decides,
            CASE WHEN j.row_decides THEN j.clock_status ELSE j.status_code END AS status_code,
            CASE WHEN j.row_decides THEN j.clock_supplement ELSE j.supplement_at_desk END AS supplement_at_desk,
            CASE
                WHEN j.row_decides THEN j.status_before IS DISTINCT FROM j.clock_status
                ELSE
                    j.status_before IS DISTINCT FROM j.status_code
                    AND (
                        coalesce(j.status_before IN (1, 2), TRUE)
                        OR (j.status_before NOT IN (3, 7, 10) AND j.happened_at > j.said_at)
                        OR (j.status_before NOT IN (3, 7, 9, 10) AND j.status_code IN (5, 9))
                        OR EXISTS (
                            SELECT 1 FROM intake.pushed_steps AS e
                            WHERE
                                e.source = of_source AND e.agency_code = j.agency_code
                                AND e.dossier_code = j.dossier_code AND e.status_code = j.status_before
                        )
                    )
            END AS is_behind,
            j.row_decides AND j.recorded_at = moment
            AND (j.clock_recorded_at > moment - interval '10 minutes' OR j.status_code IN (5, 9)) AS speaks_again
        FROM judged AS j
    )

    UPDATE intake.pushed_dossiers AS d SET
        status_code = CASE WHEN f.is_behind THEN f.status_code ELSE d.status_code END,
        supplement_at_desk = CASE WHEN f.is_behind THEN f.supplement_at_desk ELSE d.supplement_at_desk END,
        -- Newer than the step that came with it: then the row decides.
        updated_at = moment + CASE WHEN f.row_decides THEN interval '1 microsecond' ELSE interval '0' END
    FROM found AS f
    WHERE d.dossier_no = f.dossier_no AND (f.is_behind OR f.speaks_again)
$$;
COMMENT ON FUNCTION intake.follow_steps(text, text[], timestamptz) IS 'Gives dossiers the status of their last step where their rows are behind it.';
