-- Writes dossiers that a client pushed, each as far as it tells something new, and says of each, by its place, what
-- became of it: taken, repeated, or why it is refused. A field that did not come stays; one that came empty is
-- emptied. Where steps tell a dossier's life, what is as it came within two days is a repeat; and a status that is
-- behind the steps is no news: one that a step told before the last one did, 1 and 2, and 4 in a dossier's first push
-- or where the row had said 4 before that step came, too. What a row said of its status is kept also then. An ended
-- dossier whose fields were emptied is not filled again by what ended it. Steps that waited for a dossier get their
-- numbers. Raises MC010, the session is nobody's. Called by include/sql/intake/take_dossiers.sql.
CREATE OR REPLACE FUNCTION intake.take_dossiers(
    session_digest bytea, given jsonb
) RETURNS TABLE (place integer, outcome text, dossier_no bigint) LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog AS $$
#variable_conflict use_column
DECLARE
    push record;
    came text[];
    waiting bigint;
    base bigint;
BEGIN
    SELECT p.* INTO push FROM intake.begin_push(session_digest) AS p;
    DELETE FROM intake.recent_states AS r
    WHERE r.source = push.source AND r.arrived_at < push.moment - interval '2 days';

    RETURN QUERY
    WITH written AS MATERIALIZED (
        SELECT r.*
        FROM jsonb_to_recordset(given) AS r (
            place integer, unit text, prefix text, of_name text, dossier_code text, fields jsonb, said text[],
            status_code smallint, supplement_at_desk boolean, received_at timestamptz, due_at timestamptz,
            finished_at timestamptz, returned_at timestamptz, digest text, earlier text[]
        )
    ),

    units AS MATERIALIZED (
        SELECT u.unit, intake.agency_of(u.unit) AS agency_code
        FROM (SELECT w.unit FROM written AS w UNION SELECT w.prefix FROM written AS w) AS u
        WHERE u.unit IS NOT NULL
    ),

    names AS MATERIALIZED (
        SELECT n.of_name, intake.agency_named(n.of_name) AS agency_code
        FROM (SELECT DISTINCT w.of_name FROM written AS w) AS n
        WHERE n.of_name IS NOT NULL
    ),

    judged AS MATERIALIZED (
        SELECT
            w.*,
            a.agency_code,
            CASE
                WHEN a.agency_code IS NULL THEN 'agency_missing'
                WHEN m.agency_code IS NULL THEN 'agency_refused'
            END AS refusal
        FROM written AS w
        LEFT JOIN units AS u ON w.unit = u.unit
        LEFT JOIN units AS p ON w.prefix = p.unit
        LEFT JOIN names AS n ON w.of_name = n.of_name
        CROSS JOIN LATERAL (
            SELECT
                coalesce(
                    u.agency_code, p.agency_code, n.agency_code,
                    -- What begins with the code of another agency is not the client's, though we do not know that agency.
                    CASE WHEN w.prefix ~ '^\d{3}(\.\d{2}){2}\.[A-Z]\d{2}$' THEN NULL ELSE push.only_agency END
                ) AS agency_code
        ) AS a
        LEFT JOIN intake.client_agencies AS m ON m.client_id = push.client AND a.agency_code = m.agency_code
    ),

    merged AS MATERIALIZED (
        SELECT DISTINCT ON (j.agency_code, j.dossier_code)
            j.agency_code,
            j.dossier_code,
            decode(j.digest, 'hex') AS digest,
            coalesce(o.fields, '{}') || j.fields AS fields,
            CASE
                WHEN b.is_behind THEN coalesce(o.status_code, l.status_code)
                WHEN 'status_code' = any(j.said) THEN j.status_code
                ELSE o.status_code
            END AS status_code,
            CASE
                WHEN b.is_behind THEN coalesce(o.supplement_at_desk, l.supplement_at_desk)
                WHEN 'supplement_at_desk' = any(j.said) THEN j.supplement_at_desk
                ELSE coalesce(o.supplement_at_desk, FALSE)
            END AS supplement_at_desk,
            CASE WHEN 'received_at' = any(j.said) THEN j.received_at ELSE o.received_at END AS received_at,
            CASE WHEN 'due_at' = any(j.said) THEN j.due_at ELSE o.due_at END AS due_at,
            CASE WHEN 'finished_at' = any(j.said) THEN j.finished_at ELSE o.finished_at END AS finished_at,
            CASE WHEN 'returned_at' = any(j.said) THEN j.returned_at ELSE o.returned_at END AS returned_at,
            o.dossier_no AS known_no,
            o.purged_at,
            o.fields AS fields_before,
            o.updated_at AS updated_before,
            o.said_status AS said_before,
            CASE WHEN 'status_code' = any(j.said) THEN j.status_code ELSE o.said_status END AS said_status,
            CASE WHEN 'status_code' = any(j.said) THEN push.moment ELSE o.said_at END AS said_at,
            ROW(o.status_code, o.supplement_at_desk, o.received_at, o.due_at, o.finished_at, o.returned_at) AS before
        FROM judged AS j
        LEFT JOIN intake.pushed_dossiers AS o
            ON o.source = push.source AND j.agency_code = o.agency_code AND j.dossier_code = o.dossier_code
        LEFT JOIN LATERAL intake.last_steps(push.source, j.agency_code, j.dossier_code) AS l ON TRUE
        CROSS JOIN LATERAL (
            SELECT
                coalesce(j.status_code NOT IN (l.status_code, l.clock_status), FALSE)
                AND (
                    j.status_code IN (1, 2)
                    OR (
                        j.status_code = 4
                        AND (o.dossier_no IS NULL OR (o.said_status = 4 AND o.said_at < l.recorded_at))
                    )
                    OR EXISTS (
                        SELECT 1 FROM intake.pushed_steps AS s
                        WHERE
                            s.source = push.source AND s.agency_code = j.agency_code
                            AND s.dossier_code = j.dossier_code AND s.status_code = j.status_code
                    )
                ) AS is_behind
        ) AS b
        WHERE j.refusal IS NULL
        ORDER BY j.agency_code, j.dossier_code, j.place DESC
    ),

    news AS MATERIALIZED (
        SELECT m.*, c.is_changed
        FROM merged AS m
        CROSS JOIN LATERAL (
            SELECT
                m.known_no IS NULL
                OR (m.purged_at IS NULL AND m.fields IS DISTINCT FROM m.fields_before)
                OR ROW(
                    m.status_code, m.supplement_at_desk, m.received_at, m.due_at, m.finished_at, m.returned_at
                ) IS DISTINCT FROM m.before AS is_changed
        ) AS c
        WHERE
            m.known_no IS NULL
            OR (
                -- A status that is held back changes nothing to be read.
                (c.is_changed OR (m.purged_at IS NULL AND m.said_status IS DISTINCT FROM m.said_before))
                AND NOT EXISTS (
                    SELECT 1 FROM intake.recent_states AS r
                    WHERE
                        r.source = push.source AND r.agency_code = m.agency_code
                        AND r.dossier_code = m.dossier_code AND r.digest = m.digest
                        AND EXISTS (
                            SELECT 1 FROM intake.pushed_steps AS s
                            WHERE
                                s.source = push.source AND s.agency_code = m.agency_code
                                AND s.dossier_code = m.dossier_code
                        )
                )
            )
    ),

    saved AS (
        INSERT INTO intake.pushed_dossiers AS d (
            source, agency_code, dossier_code, client_id, fields, status_code, supplement_at_desk, received_at, due_at,
            finished_at, returned_at, arrived_at, updated_at, said_status, said_at
        )
        SELECT
            push.source, n.agency_code, n.dossier_code, push.client, n.fields, n.status_code, n.supplement_at_desk,
            n.received_at, n.due_at, n.finished_at, n.returned_at, push.moment,
            CASE WHEN n.is_changed THEN push.moment ELSE n.updated_before END, n.said_status, n.said_at
        FROM news AS n
        ON CONFLICT (source, agency_code, dossier_code) DO UPDATE SET
            client_id = excluded.client_id,
            fields = excluded.fields,
            status_code = excluded.status_code,
            supplement_at_desk = excluded.supplement_at_desk,
            received_at = excluded.received_at,
            due_at = excluded.due_at,
            finished_at = excluded.finished_at,
            returned_at = excluded.returned_at,
            updated_at = excluded.updated_at,
            said_status = excluded.said_status,
            said_at = excluded.said_at,
            purged_at = NULL
        RETURNING d.agency_code, d.dossier_code, d.dossier_no
    ),

    remembered AS (
        INSERT INTO intake.recent_states AS r (source, agency_code, dossier_code, digest, arrived_at)
        SELECT DISTINCT push.source, j.agency_code, j.dossier_code, d.digest, push.moment
        FROM judged AS j
        -- Also what told nothing new, or came before another state in one call: sent again later, it would.
        CROSS JOIN LATERAL (
            SELECT decode(e.digest, 'hex') AS digest FROM unnest(j.earlier || j.digest) AS e (digest)
        ) AS d
        LEFT JOIN news AS n
            ON j.agency_code = n.agency_code AND j.dossier_code = n.dossier_code AND d.digest = n.digest
        WHERE
            j.refusal IS NULL
            AND (
                n.digest IS NOT NULL
                OR NOT EXISTS (
                    SELECT 1 FROM intake.recent_states AS k
                    WHERE
                        k.source = push.source AND k.agency_code = j.agency_code
                        AND k.dossier_code = j.dossier_code AND k.digest = d.digest
                )
            )
        ON CONFLICT (source, agency_code, dossier_code, digest) DO UPDATE SET arrived_at = excluded.arrived_at
    )

    SELECT
        j.place,
        coalesce(j.refusal, CASE WHEN s.dossier_no IS NULL THEN 'repeated' ELSE 'taken' END),
        coalesce(s.dossier_no, m.known_no)
    FROM judged AS j
    LEFT JOIN merged AS m ON j.agency_code = m.agency_code AND j.dossier_code = m.dossier_code AND j.refusal IS NULL
    LEFT JOIN saved AS s ON m.agency_code = s.agency_code AND m.dossier_code = s.dossier_code;

    -- Whose dossier is there now.
    SELECT array_agg(DISTINCT r.dossier_code) INTO came
    FROM jsonb_to_recordset(given) AS r (dossier_code text);
    SELECT count(*) INTO waiting
    FROM intake.pushed_steps AS s
    WHERE s.source = push.source AND s.dossier_code = any(came) AND s.transition_id IS NULL;
    IF waiting > 0 THEN
        base := intake.next_number(push.source, waiting);
        UPDATE intake.pushed_steps AS s SET
            agency_code = w.agency_code,
            transition_id = base + w.ordinal,
            recorded_at = push.moment
        FROM (
            SELECT q.step_no, min(d.agency_code) AS agency_code, row_number() OVER (ORDER BY q.step_no) AS ordinal
            FROM intake.pushed_steps AS q
            INNER JOIN intake.pushed_dossiers AS d
                ON q.source = d.source AND q.dossier_code = d.dossier_code AND q.client_id = d.client_id
            WHERE q.source = push.source AND q.dossier_code = any(came) AND q.transition_id IS NULL
            GROUP BY q.step_no
        ) AS w
        WHERE s.step_no = w.step_no;
        PERFORM intake.follow_steps(push.source, came, push.moment);
    END IF;
END
$$;
COMMENT ON FUNCTION intake.take_dossiers(bytea, jsonb) IS 'Writes dossiers that a client pushed, and says what became of each.';
