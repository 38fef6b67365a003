-- Pushed dossiers and steps: how they are taken, what their last steps say, and how sources are read from them.

-- Writes dossiers that a client pushed, each as far as it tells something new, and says of each, by its place, what
-- became of it: taken, repeated, or why it is refused. A field that did not come stays; one that came empty is
-- emptied. Where steps tell a dossier's life, what is as it came within two days is a repeat; and a status that is
-- behind the steps is no news: one that a step told before the last one did, 1 and 2, and 4 in a dossier's first push
-- or where the row had said 4 before that step came, too. What a row said of its status is kept also then. An ended
-- dossier whose fields were emptied is not filled again by what ended it. Steps that waited for a dossier get their
-- numbers. Raises MC010, the session is nobody's. Called by include/sql/intake/pushes.sql.
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

-- Writes steps that a client pushed, each once, numbered in the order of arrival (those of a dossier that come in
-- one call in the order of their times, where each has one), and says of each, by its place, what became of it:
-- taken, repeated, waiting (its dossier must come first, since nothing else says whose it is), or why it is refused.
-- A step without a time of its own is a repeat where the same came within two days. Rows that are behind follow. Raises
-- MC010, the session is nobody's. Called by include/sql/intake/pushes.sql.
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

-- Gives dossiers the status of their last step where their rows are behind it: a row was held back because it came
-- before its step, or no row comes with a step. Behind are 1, 2, none, what an earlier step told, what was said
-- before the last step happened, and whatever is neither a result nor an end where the step calls for a message:
-- pick-up tells it as it comes, and what is told must be counted. The row of an ended dossier only where a step told
-- its end.
--
-- Which step is the last is told by intake.last_steps, as pick-up tells it. Within ten minutes of it clocks say nothing
-- of the order, and the row does: one that said what the step says that is last by its clock, since that step
-- happened, has that status. It speaks again where another step came after that one (a call that failed was made
-- again), as by numbers alone the other would stand. Where that one came more than ten minutes ago it does not, but
-- against a step that calls for a message: what it says was told by then, and would be told twice.
--
-- What a row said is its newest push that told anything new, also where it was held back.
--
-- Called by the functions of intake.sql and pushes.sql alone, which run as the owner and hold the source's lock.
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
-- Called by intake.follow_steps and intake.take_dossiers alone, which run as the owner.
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

-- How many steps of each client of a source wait for their dossiers. Read by include/sql/intake/clients.sql.
CREATE OR REPLACE VIEW intake.waiting_steps AS
SELECT s.source, s.client_id, count(*) AS steps
FROM intake.pushed_steps AS s
WHERE s.transition_id IS NULL
GROUP BY s.source, s.client_id;
COMMENT ON VIEW intake.waiting_steps IS 'How many steps of each client of a source wait for their dossiers.';

-- Supplements of pushed sources of which no citizen was told, because nothing says that they wait at the one-stop desk:
-- each step that says so, and the row of a dossier of which no step does. Neither of them said to be at the desk, nor
-- had the dossier a message of a supplement then. What a status stands for is what staff said.
-- Read by include/sql/intake/clients/.
CREATE OR REPLACE VIEW intake.supplements_untold AS
SELECT s.source, s.client_id, s.agency_code, s.dossier_code, s.said_at
FROM (
    SELECT
        t.source, t.client_id, t.agency_code, t.dossier_code, t.status_code, t.supplement_at_desk,
        t.recorded_at AS said_at
    FROM intake.pushed_steps AS t
    WHERE t.transition_id IS NOT NULL
    UNION ALL
    SELECT d.source, d.client_id, d.agency_code, d.dossier_code, d.status_code, d.supplement_at_desk, d.updated_at
    FROM intake.pushed_dossiers AS d
    WHERE
        NOT EXISTS (
            SELECT 1 FROM intake.pushed_steps AS t
            WHERE
                t.source = d.source AND t.agency_code = d.agency_code AND t.dossier_code = d.dossier_code
                AND t.status_code = d.status_code
        )
) AS s
INNER JOIN intake.clients AS c ON s.client_id = c.client_id
LEFT JOIN motcua.sources AS o ON s.source = o.name
LEFT JOIN motcua.status_meanings AS m
    ON o.source_id = m.source_id AND s.status_code = m.source_status AND (m.ends_at IS NULL OR m.ends_at > now())
WHERE
    coalesce(m.status_code, s.status_code) = 5
    AND NOT s.supplement_at_desk
    AND NOT coalesce(s.said_at >= c.supplements_at_desk_since, FALSE)
    AND NOT EXISTS (
        SELECT 1 FROM motcua.dossiers AS k
        INNER JOIN motcua.messages AS n ON k.dossier_id = n.dossier_id
        WHERE
            k.agency_code = s.agency_code AND k.dossier_code = s.dossier_code
            AND n.kind = 'supplement' AND n.planned_at >= s.said_at - interval '1 day'
    );
COMMENT ON VIEW intake.supplements_untold IS 'Supplements of pushed sources of which no citizen was told, because nothing says that they wait at the one-stop desk.';

-- Pushed dossiers as the contract's view of dossiers gives them, for all sources. Status 9 is at the desk: it means
-- that the result was passed there. A supplement is where the push says so, or the client's setting of that time. Read
-- by include/sql/sources/national_sync.sql.
CREATE OR REPLACE VIEW intake.source_dossiers AS
SELECT
    d.source,
    d.dossier_code,
    d.agency_code,
    d.fields ->> 'MaTTHC' AS procedure_code,
    d.fields ->> 'TenTTHC' AS procedure_name,
    d.fields ->> 'TenLinhVuc' AS field_name,
    d.fields ->> 'ChuHoSo' AS applicant_name,
    d.fields ->> 'SoDienThoai' AS applicant_phone,
    -- No push says when: it was typed in when the dossier was received.
    d.received_at AS phone_entered_at,
    CASE d.fields ->> 'HinhThuc'
        WHEN '0' THEN 'direct'
        WHEN '1' THEN 'postal'
        WHEN '2' THEN 'online'
    END AS submitted_via,
    d.received_at,
    d.due_at,
    (
        SELECT t.fields ->> 'NoiDungXuLy'
        FROM intake.pushed_steps AS t
        WHERE t.source = d.source AND t.agency_code = d.agency_code AND t.dossier_code = d.dossier_code
        ORDER BY least(t.occurred_at, t.recorded_at) DESC, t.transition_id DESC
        LIMIT 1
    ) AS step_name,
    d.status_code,
    CASE coalesce(m.status_code, d.status_code)
        WHEN 9 THEN TRUE
        WHEN 5 THEN d.supplement_at_desk OR coalesce(d.updated_at >= c.supplements_at_desk_since, FALSE)
        ELSE FALSE
    END AS at_one_stop_desk,
    d.finished_at,
    d.returned_at,
    d.updated_at
FROM intake.pushed_dossiers AS d
LEFT JOIN intake.clients AS c ON d.client_id = c.client_id
LEFT JOIN motcua.sources AS s ON d.source = s.name
LEFT JOIN motcua.status_meanings AS m
    ON s.source_id = m.source_id AND d.status_code = m.source_status AND (m.ends_at IS NULL OR m.ends_at > now());
COMMENT ON VIEW intake.source_dossiers IS 'Pushed dossiers as the contract''s view of dossiers gives them.';

-- Pushed steps as the contract's view of transitions gives them, for all sources. The desk is told as in
-- source_dossiers. Read by include/sql/sources/national_sync.sql.
CREATE OR REPLACE VIEW intake.source_transitions AS
SELECT
    t.source,
    t.transition_id,
    t.agency_code,
    t.dossier_code,
    NULL::text AS from_step,
    t.fields ->> 'NoiDungXuLy' AS to_step,
    t.status_code,
    CASE coalesce(m.status_code, t.status_code)
        WHEN 9 THEN TRUE
        WHEN 5 THEN t.supplement_at_desk OR coalesce(t.recorded_at >= c.supplements_at_desk_since, FALSE)
        ELSE FALSE
    END AS at_one_stop_desk,
    t.occurred_at,
    t.recorded_at,
    t.fields ->> 'NguoiXuLy' AS actor,
    NULL::text AS note
FROM intake.pushed_steps AS t
LEFT JOIN intake.clients AS c ON t.client_id = c.client_id
LEFT JOIN motcua.sources AS s ON t.source = s.name
LEFT JOIN motcua.status_meanings AS m
    ON s.source_id = m.source_id AND t.status_code = m.source_status AND (m.ends_at IS NULL OR m.ends_at > now())
WHERE t.transition_id IS NOT NULL;
COMMENT ON VIEW intake.source_transitions IS 'Pushed steps as the contract''s view of transitions gives them.';

-- What auditors may read of whose figures a closing has as they were pushed: all of it.
CREATE OR REPLACE VIEW audit.closing_pushed AS
SELECT closing_no, source, agency_code FROM motcua.closing_pushed;
-- What the portal says of agencies' periods, as it was handed in: all of it.
CREATE OR REPLACE VIEW audit.portal_figures AS
SELECT
    figure_no, agency_code, period, received, resolved, returned, handed_in_by, handed_in_at, file_name, file_sha256,
    file_line, replaces
FROM motcua.portal_figures;
