-- Exports that are dropped as files: how one is compared with what is known, taken in, and what it no longer names.

-- How many open dossiers earlier whole exports of a source had, and how many of these are not among the given ones.
-- Called by include/sql/intake/exports.sql.
CREATE OR REPLACE FUNCTION intake.compare_export(
    of_client bigint, agency_codes text[], dossier_codes text[], OUT there bigint, OUT missing bigint
) LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
    WITH present AS MATERIALIZED (
        SELECT p.agency_code, p.dossier_code FROM unnest(agency_codes, dossier_codes) AS p (agency_code, dossier_code)
    )

    SELECT count(*), count(*) FILTER (WHERE p.dossier_code IS NULL)
    FROM intake.clients AS c
    INNER JOIN intake.pushed_dossiers AS d ON c.source = d.source
    INNER JOIN intake.exported_dossiers AS e ON d.dossier_no = e.dossier_no
    LEFT JOIN present AS p ON d.agency_code = p.agency_code AND d.dossier_code = p.dossier_code
    WHERE c.client_id = of_client AND e.vanished_in IS NULL AND d.status_code NOT IN (3, 7, 10)
$$;
COMMENT ON FUNCTION intake.compare_export(bigint, text[], text[]) IS 'How many open dossiers of earlier whole exports are not among the given ones.';

-- Writes what an export says of dossiers, each of which stands there once with its steps in their order, and counts
-- those that it added, those that it moved, and those of which a newer file had told. A step is written where status,
-- step or place are others than the last file said; in an export of changes, steps with a time of their own once each,
-- and the dossier stays as its latest step left it. A step without a time happened when the file was exported; in the
-- first whole export (is_first), which says how things stand and not since when, when the dossier was returned,
-- finished or received, else a month before. A field that the file does not have stays, one that is empty there is
-- emptied. A dossier whose fields were emptied is not filled again by what is no news. Called by
-- include/sql/intake/exports.sql.
CREATE OR REPLACE FUNCTION intake.take_export(
    of_client bigint, export bigint, exported timestamptz, is_whole boolean, is_first boolean, given jsonb
) RETURNS TABLE (added bigint, moved bigint, older bigint) LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog AS $$
#variable_conflict use_column
DECLARE
    its_source text := (SELECT c.source FROM intake.clients AS c WHERE c.client_id = of_client);
    moment timestamptz;
    base bigint;
BEGIN
    INSERT INTO intake.numbers AS n (source) VALUES (its_source) ON CONFLICT DO NOTHING;
    PERFORM FROM intake.numbers AS n WHERE n.source = its_source FOR UPDATE;
    moment := clock_timestamp();
    base := intake.next_number(
        its_source, (SELECT sum(jsonb_array_length(g.value -> 'steps'))::bigint FROM jsonb_array_elements(given) AS g)
    );

    RETURN QUERY
    WITH written AS MATERIALIZED (
        SELECT
            r.*,
            o.dossier_no,
            o.fields AS fields_before,
            o.status_code AS status_before,
            o.supplement_at_desk AS place_before,
            o.purged_at,
            o.received_at AS received_before,
            o.due_at AS due_before,
            o.finished_at AS finished_before,
            o.returned_at AS returned_before,
            e.state AS state_before,
            e.happened_at AS happened_before,
            coalesce(NOT is_whole AND e.exported_at > exported, FALSE) AS is_older
        FROM jsonb_to_recordset(given) AS r (
            place integer, agency_code text, dossier_code text, fields jsonb, said text[], received_at timestamptz,
            due_at timestamptz, finished_at timestamptz, returned_at timestamptz, steps jsonb
        )
        LEFT JOIN intake.pushed_dossiers AS o
            ON o.source = its_source AND r.agency_code = o.agency_code AND r.dossier_code = o.dossier_code
        LEFT JOIN intake.exported_dossiers AS e ON o.dossier_no = e.dossier_no
    ),

    steps AS MATERIALIZED (
        SELECT
            w.place,
            s.ordinal,
            s.status_code,
            s.supplement_at_desk,
            s.fields,
            decode(s.state, 'hex') AS state,
            decode(s.digest, 'hex') AS digest,
            s.occurred_at IS NOT NULL AS is_timed,
            coalesce(
                s.occurred_at,
                CASE
                    WHEN is_first AND w.dossier_no IS NULL
                        THEN least(
                            coalesce(w.returned_at, w.finished_at, w.received_at, exported - interval '30 days'), exported
                        )
                    ELSE exported
                END
            ) AS happened_at,
            s.ordinal = count(*) OVER (PARTITION BY w.place) AS is_last,
            CASE
                WHEN is_whole OR s.occurred_at IS NULL
                    THEN coalesce(
                        decode(s.state, 'hex') <> w.state_before,
                        w.dossier_no IS NULL
                        OR ROW(s.status_code, s.supplement_at_desk)
                        IS DISTINCT FROM ROW(w.status_before, w.place_before)
                    )
                ELSE NOT EXISTS (
                    SELECT 1 FROM intake.pushed_steps AS p
                    WHERE
                        p.source = its_source AND p.dossier_code = w.dossier_code AND p.agency_code = w.agency_code
                        AND p.digest = decode(s.digest, 'hex') AND p.is_timed
                )
            END AS is_news
        FROM written AS w
        CROSS JOIN LATERAL (
            SELECT t.value, t.ordinality AS ordinal, x.*
            FROM jsonb_array_elements(w.steps) WITH ORDINALITY AS t
            CROSS JOIN LATERAL jsonb_to_record(t.value) AS x (
                status_code smallint, supplement_at_desk boolean, fields jsonb, occurred_at timestamptz, state text,
                digest text
            )
        ) AS s
        WHERE NOT w.is_older
    ),

    news AS MATERIALIZED (
        SELECT s.place, bool_or(s.is_news) AS is_news FROM steps AS s GROUP BY s.place
    ),

    merged AS MATERIALIZED (
        SELECT
            w.place,
            w.agency_code,
            w.dossier_code,
            w.dossier_no,
            w.purged_at,
            w.fields_before,
            w.status_before,
            w.place_before,
            w.received_before,
            w.due_before,
            w.finished_before,
            w.returned_before,
            w.state_before,
            l.state,
            l.happened_at,
            CASE WHEN w.purged_at IS NULL THEN coalesce(w.fields_before, '{}') ELSE '{}' END || w.fields AS fields,
            l.status_code,
            l.supplement_at_desk,
            CASE WHEN 'received_at' = any(w.said) THEN w.received_at ELSE w.received_before END AS received_at,
            CASE WHEN 'due_at' = any(w.said) THEN w.due_at ELSE w.due_before END AS due_at,
            CASE WHEN 'finished_at' = any(w.said) THEN w.finished_at ELSE w.finished_before END AS finished_at,
            CASE WHEN 'returned_at' = any(w.said) THEN w.returned_at ELSE w.returned_before END AS returned_at,
            n.is_news
        FROM written AS w
        INNER JOIN steps AS l ON w.place = l.place AND l.is_last
        INNER JOIN news AS n ON w.place = n.place
        -- What happened before what is known changes no row: a step that was typed in late.
        WHERE
            is_whole
            OR l.happened_at >= coalesce(w.happened_before, '-infinity')
            -- A day without a time of day is of that whole day.
            OR l.happened_at = date_trunc('day', w.happened_before, 'Asia/Ho_Chi_Minh')
    ),

    saved AS (
        INSERT INTO intake.pushed_dossiers AS d (
            source, agency_code, dossier_code, client_id, fields, status_code, supplement_at_desk, received_at, due_at,
            finished_at, returned_at, arrived_at, updated_at
        )
        SELECT
            its_source, m.agency_code, m.dossier_code, of_client, m.fields, m.status_code, m.supplement_at_desk,
            m.received_at, m.due_at, m.finished_at, m.returned_at, moment, moment
        FROM merged AS m
        WHERE
            m.dossier_no IS NULL
            OR m.is_news
            OR (m.purged_at IS NULL AND m.fields IS DISTINCT FROM m.fields_before)
            OR ROW(m.status_code, m.supplement_at_desk, m.received_at, m.due_at, m.finished_at, m.returned_at)
            IS DISTINCT FROM ROW(
                m.status_before, m.place_before, m.received_before, m.due_before, m.finished_before, m.returned_before
            )
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
            purged_at = NULL
        RETURNING d.dossier_no, d.agency_code, d.dossier_code
    ),

    stepped AS (
        INSERT INTO intake.pushed_steps (
            source, transition_id, agency_code, dossier_code, client_id, fields, status_code, supplement_at_desk,
            is_timed, occurred_at, recorded_at, digest
        )
        SELECT
            its_source, base + row_number() OVER (ORDER BY s.place, s.ordinal), w.agency_code, w.dossier_code,
            of_client, s.fields, s.status_code, s.supplement_at_desk, s.is_timed, s.happened_at, moment, s.digest
        FROM steps AS s
        INNER JOIN written AS w ON s.place = w.place
        WHERE s.is_news
        ORDER BY s.place, s.ordinal
    ),

    noted AS (
        INSERT INTO intake.exported_dossiers AS e (dossier_no, export_no, exported_at, happened_at, state)
        SELECT coalesce(s.dossier_no, m.dossier_no), export, exported, m.happened_at, m.state
        FROM merged AS m
        LEFT JOIN saved AS s ON m.agency_code = s.agency_code AND m.dossier_code = s.dossier_code
        WHERE NOT is_whole OR m.state_before IS NULL OR m.state <> m.state_before
        ON CONFLICT (dossier_no) DO UPDATE SET
            export_no = excluded.export_no,
            exported_at = excluded.exported_at,
            happened_at = excluded.happened_at,
            state = excluded.state
    )

    SELECT
        count(*) FILTER (WHERE w.dossier_no IS NULL),
        count(*) FILTER (WHERE w.dossier_no IS NOT NULL AND n.is_news),
        count(*) FILTER (WHERE w.is_older)
    FROM written AS w
    LEFT JOIN news AS n ON w.place = n.place;
END
$$;
COMMENT ON FUNCTION intake.take_export(bigint, bigint, timestamptz, boolean, boolean, jsonb) IS 'Writes what an export says of dossiers, and counts what was new in it.';

-- Marks the dossiers of a source that a whole export has no more, and takes the mark from those that it has again;
-- returns how many it first has not. Called by include/sql/intake/exports.sql.
CREATE OR REPLACE FUNCTION intake.note_vanished(
    of_client bigint, export bigint, agency_codes text[], dossier_codes text[]
) RETURNS bigint LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog AS $$
    WITH present AS MATERIALIZED (
        SELECT DISTINCT d.dossier_no
        FROM unnest(agency_codes, dossier_codes) AS p (agency_code, dossier_code)
        INNER JOIN intake.clients AS c ON c.client_id = of_client
        INNER JOIN intake.pushed_dossiers AS d
            ON c.source = d.source AND p.agency_code = d.agency_code AND p.dossier_code = d.dossier_code
    ),

    marked AS (
        UPDATE intake.exported_dossiers AS e
        SET vanished_in = CASE WHEN p.dossier_no IS NULL THEN export END
        FROM intake.clients AS c
        INNER JOIN intake.pushed_dossiers AS d ON c.source = d.source
        LEFT JOIN present AS p ON d.dossier_no = p.dossier_no
        WHERE
            c.client_id = of_client AND e.dossier_no = d.dossier_no
            AND (e.vanished_in IS NULL) = (p.dossier_no IS NULL)
        RETURNING e.vanished_in
    )

    SELECT count(m.vanished_in) FROM marked AS m
$$;
COMMENT ON FUNCTION intake.note_vanished(bigint, bigint, text[], text[]) IS 'Marks the dossiers that a whole export has no more.';

-- Waits until nobody else puts a file into this folder or sets its form, and holds it for the rest of this transaction.
-- Pages take no lock but such a one. Called by include/sql/uploads.sql and
-- include/sql/intake/exports.sql.
CREATE OR REPLACE FUNCTION motcua.wait_for_folder(named text) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog AS $$
    SELECT pg_advisory_xact_lock(9030, hashtext(named))
$$;
COMMENT ON FUNCTION motcua.wait_for_folder(text)
IS 'Waits until nobody else puts a file into a folder, and holds it for the rest of the transaction.';
