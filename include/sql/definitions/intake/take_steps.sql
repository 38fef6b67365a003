-- Writes steps that a client pushed, each once, numbered in the order of arrival (those of a dossier that come in
-- one call in the order of their times, where each has one), and says of each, by its place, what became of it:
-- taken, repeated, waiting (its dossier must come first, since nothing else says whose it is), or why it is refused.
-- A step without a time of its own is a repeat where the same came within two days. Rows that are behind follow. Raises
-- MC010, the session is nobody's. Called by include/sql/intake/take_steps.sql.
CREATE OR REPLACE FUNCTION intake.take_steps(
    session_digest bytea, given jsonb
) RETURNS TABLE (place integer, outcome text) LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog AS $$
#variable_conflict use_column
DECLARE
    push record;
    base bigint;
BEGIN
    SELECT p.* INTO push FROM intake.begin_push(session_digest) AS p;
    base := intake.next_number(push.source, jsonb_array_length(given));

    RETURN QUERY
    WITH written AS MATERIALIZED (
        SELECT
            r.place, r.unit, r.prefix, r.fields, r.status_code, r.supplement_at_desk, r.occurred_at,
            decode(r.digest, 'hex') AS digest,
            coalesce(
                r.dossier_code,
                (
                    SELECT d.dossier_code FROM intake.pushed_dossiers AS d
                    WHERE d.dossier_no = r.dossier_no AND d.source = push.source AND d.client_id = push.client
                )
            ) AS dossier_code
        FROM jsonb_to_recordset(given) AS r (
            place integer, unit text, prefix text, dossier_code text, dossier_no bigint, fields jsonb,
            status_code smallint, supplement_at_desk boolean, occurred_at timestamptz, digest text
        )
    ),

    units AS MATERIALIZED (
        SELECT u.unit, intake.agency_of(u.unit) AS agency_code
        FROM (SELECT w.unit FROM written AS w UNION SELECT w.prefix FROM written AS w) AS u
        WHERE u.unit IS NOT NULL
    ),

    judged AS MATERIALIZED (
        SELECT
            w.*,
            a.agency_code,
            CASE
                WHEN w.dossier_code IS NULL THEN 'code_missing'
                WHEN a.agency_code IS NOT NULL AND m.agency_code IS NULL THEN 'agency_refused'
            END AS refusal
        FROM written AS w
        LEFT JOIN units AS u ON w.unit = u.unit
        LEFT JOIN units AS p ON w.prefix = p.unit
        LEFT JOIN LATERAL (
            SELECT CASE WHEN count(*) = 1 THEN min(d.agency_code) END AS agency_code
            FROM intake.pushed_dossiers AS d
            INNER JOIN intake.client_agencies AS c ON c.client_id = push.client AND d.agency_code = c.agency_code
            WHERE d.source = push.source AND d.dossier_code = w.dossier_code
        ) AS d ON TRUE
        CROSS JOIN LATERAL (
            SELECT
                coalesce(
                    u.agency_code, p.agency_code, d.agency_code,
                    -- As for dossiers: what begins with the code of another agency is not the client's.
                    CASE WHEN w.prefix ~ '^\d{3}(\.\d{2}){2}\.[A-Z]\d{2}$' THEN NULL ELSE push.only_agency END
                ) AS agency_code
        ) AS a
        LEFT JOIN intake.client_agencies AS m ON m.client_id = push.client AND a.agency_code = m.agency_code
    ),

    news AS MATERIALIZED (
        SELECT DISTINCT ON (j.agency_code, j.dossier_code, j.digest) j.*
        FROM judged AS j
        WHERE
            j.refusal IS NULL
            AND NOT EXISTS (
                SELECT 1 FROM intake.pushed_steps AS s
                WHERE
                    s.source = push.source AND s.dossier_code = j.dossier_code AND s.digest = j.digest
                    AND coalesce(s.agency_code = j.agency_code, s.client_id = push.client)
                    AND (s.is_timed OR s.recorded_at > push.moment - interval '2 days')
            )
        ORDER BY j.agency_code, j.dossier_code, j.digest, j.place
    ),

    ordered AS (
        SELECT
            n.*,
            min(n.place) OVER w AS first_place,
            -- A day without a time of day orders nothing.
            CASE
                WHEN
                    bool_and(
                        coalesce((n.occurred_at AT TIME ZONE 'Asia/Ho_Chi_Minh')::time <> '00:00', FALSE)
                    ) OVER w
                    THEN n.occurred_at
            END AS order_at
        FROM news AS n
        WINDOW w AS (PARTITION BY n.agency_code, n.dossier_code)
    ),

    saved AS (
        INSERT INTO intake.pushed_steps (
            source, transition_id, agency_code, dossier_code, client_id, fields, status_code, supplement_at_desk,
            is_timed, occurred_at, recorded_at, digest
        )
        SELECT
            push.source,
            CASE
                WHEN n.agency_code IS NOT NULL
                    THEN base + row_number() OVER (ORDER BY n.first_place, n.order_at, n.place)
            END,
            n.agency_code, n.dossier_code, push.client, n.fields, n.status_code, n.supplement_at_desk,
            n.occurred_at IS NOT NULL, coalesce(n.occurred_at, push.moment), push.moment, n.digest
        FROM ordered AS n
        ORDER BY n.first_place, n.order_at, n.place
    )

    SELECT
        j.place,
        coalesce(
            j.refusal,
            CASE
                WHEN n.place IS NULL THEN 'repeated'
                WHEN n.agency_code IS NULL THEN 'waiting'
                ELSE 'taken'
            END
        )
    FROM judged AS j
    LEFT JOIN news AS n ON j.place = n.place;

    PERFORM intake.follow_steps(
        push.source, (SELECT array_agg(DISTINCT r.dossier_code) FROM jsonb_to_recordset(given) AS r (dossier_code text)),
        push.moment
    );
END
$$;
COMMENT ON FUNCTION intake.take_steps(bytea, jsonb) IS 'Writes steps that a client pushed, each once, and says what became of each.';
