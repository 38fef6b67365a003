-- Dossiers and steps that one-stop software sent, by a request (push) or in a file (export). A step is a dossier's
-- change of step or status. A client is the software's account. The functions return stored rows and write new rows. A
-- pick-up is the reading of a source into the ledger. It reads the views of this file like the tables of any other
-- source.

-- Begin to write dossiers that a client pushed or exported. Wait until no other transaction writes for the same source,
-- and return the stored data of these dossiers (intake.pushed_dossiers, intake.exported_dossiers). If with_steps is
-- true, also return their steps, at most the newest thousand of each dossier (intake.pushed_steps). The lock is a row
-- of intake.numbers. It lasts until this transaction ends, so that the numbers and times of steps become visible in
-- increasing order. The result also has the agencies that the client may write about. It holds no data that names a
-- citizen. domain/intake/merging.py decides by this result what to write. Raises MC010 if there is no such client.
-- Called by intake.begin_push and include/sql/intake/exports.sql.
CREATE OR REPLACE FUNCTION intake.begin_taking(
    of_client bigint, given json, with_steps boolean, OUT client_id bigint, OUT agencies text[], OUT moment timestamptz,
    OUT dossiers text, OUT steps text
) LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
#variable_conflict use_column
DECLARE
    its_source text;
BEGIN
    SELECT c.client_id, c.source INTO client_id, its_source FROM intake.clients AS c WHERE c.client_id = of_client;
    IF client_id IS NULL THEN
        RAISE EXCEPTION 'the session is nobody''s' USING ERRCODE = 'MC010';
    END IF;
    INSERT INTO intake.numbers (source) VALUES (its_source) ON CONFLICT DO NOTHING;
    PERFORM FROM intake.numbers AS n WHERE n.source = its_source FOR UPDATE;
    moment := clock_timestamp();
    agencies := array(
        SELECT a.agency_code FROM intake.client_agencies AS a WHERE a.client_id = of_client ORDER BY a.agency_code
    );

    WITH came AS MATERIALIZED (
        SELECT g.place, g.fields, g.digests, coalesce(g.dossier_code, n.dossier_code) AS dossier_code
        FROM json_to_recordset(given) AS g (
            place integer, dossier_code text, dossier_no bigint, fields jsonb, digests text[]
        )
        LEFT JOIN intake.pushed_dossiers AS n
            ON g.dossier_no = n.dossier_no AND n.source = its_source AND n.client_id = of_client
    ),

    known AS (
        SELECT
            d.agency_code, d.dossier_code, d.client_id, d.dossier_no, d.status_code, d.supplement_at_desk, d.received_at,
            d.due_at, d.finished_at, d.returned_at, d.updated_at, d.said_status, d.said_at,
            d.purged_at IS NOT NULL AS is_emptied,
            coalesce(d.fields || c.fields IS DISTINCT FROM d.fields, FALSE) AS has_other_fields,
            array(
                SELECT encode(r.digest, 'hex') FROM intake.recent_states AS r
                WHERE
                    r.source = its_source AND r.agency_code = d.agency_code AND r.dossier_code = d.dossier_code
                    AND encode(r.digest, 'hex') = any(c.digests) AND r.arrived_at >= moment - interval '2 days'
            ) AS recent,
            e.exported_at, e.happened_at, encode(e.state, 'hex') AS state
        FROM came AS c
        INNER JOIN intake.pushed_dossiers AS d
            ON d.source = its_source AND c.dossier_code = d.dossier_code AND d.agency_code = any(agencies)
        LEFT JOIN intake.exported_dossiers AS e ON d.dossier_no = e.dossier_no
        ORDER BY c.place
    ),

    told AS (
        SELECT
            s.step_no, s.agency_code, s.dossier_code, s.client_id, s.status_code, s.supplement_at_desk, s.is_timed,
            s.occurred_at, s.recorded_at, encode(s.digest, 'hex') AS digest
        FROM (SELECT DISTINCT c.dossier_code FROM came AS c WHERE with_steps) AS c
        CROSS JOIN LATERAL (
            SELECT p.* FROM intake.pushed_steps AS p
            WHERE
                p.source = its_source AND p.dossier_code = c.dossier_code
                AND (p.agency_code = any(agencies) OR p.client_id = of_client)
            -- coalesce keeps the planner from using an index of all steps of the source, whatever its statistics state.
            ORDER BY coalesce(p.transition_id, 0) DESC
            LIMIT 1000
        ) AS s
        ORDER BY s.transition_id
    )

    SELECT
        (SELECT coalesce(json_agg(k), '[]')::text FROM known AS k),
        (SELECT coalesce(json_agg(t), '[]')::text FROM told AS t)
    INTO dossiers, steps;
END
$$;
COMMENT ON FUNCTION intake.begin_taking(bigint, json, boolean)
IS 'Waits until no other transaction writes for the client''s source, keeps others waiting until this transaction ends, and returns what is known of the given dossiers, without data about a citizen.';

-- Write the dossiers and steps of a client as the caller decided (intake.pushed_dossiers, intake.pushed_steps), and
-- return the numbers of the dossiers. The caller first takes the lock of the source with intake.begin_taking. A field
-- that is missing in "fields" keeps its stored value. The function also stores the hashes of the pushed dossiers
-- (intake.recent_states). For a file, it also stores the state of each dossier in the file (intake.exported_dossiers).
-- New steps, and steps that had waited for their dossiers, get numbers in the given order and the present time as
-- recorded_at. A dossier may have come from another source before, and its new steps must come after the steps from
-- that source. The numbers are therefore larger than every number that was read from any source. Refuses agencies that
-- the client may not write about. Raises MC010 if there is no such client. Called by intake.write_push and
-- include/sql/intake/exports.sql.
CREATE OR REPLACE FUNCTION intake.write_taken(
    of_client bigint, dossiers json, steps json, states json, export bigint, exported timestamptz
) RETURNS TABLE (agency_code text, dossier_code text, dossier_no bigint) LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog AS $$
#variable_conflict use_column
DECLARE
    its_source text := (SELECT c.source FROM intake.clients AS c WHERE c.client_id = of_client);
    base bigint;
    moment timestamptz;
BEGIN
    IF its_source IS NULL THEN
        RAISE EXCEPTION 'the session is nobody''s' USING ERRCODE = 'MC010';
    END IF;
    SELECT
        greatest(
            n.last_number,
            -- Numbers that are too large to come from a sequence are left out.
            (SELECT max(s.cursor_transition_id) FROM motcua.sources AS s WHERE s.cursor_transition_id < 1::bigint << 61)
        )
    INTO base
    FROM intake.numbers AS n WHERE n.source = its_source FOR UPDATE;
    UPDATE intake.numbers AS n SET last_number = base + json_array_length(steps)
    WHERE n.source = its_source AND json_array_length(steps) > 0;
    moment := clock_timestamp();
    IF EXISTS (
        SELECT w.agency_code FROM json_to_recordset(dossiers) AS w (agency_code text) WHERE w.agency_code IS NOT NULL
        UNION
        SELECT w.agency_code FROM json_to_recordset(steps) AS w (agency_code text) WHERE w.agency_code IS NOT NULL
        EXCEPT
        SELECT a.agency_code FROM intake.client_agencies AS a WHERE a.client_id = of_client
    ) THEN
        RAISE EXCEPTION 'the account may not tell of this agency' USING ERRCODE = 'insufficient_privilege';
    END IF;

    UPDATE intake.pushed_steps AS s SET
        agency_code = w.agency_code, transition_id = base + w.ordinal, recorded_at = moment
    FROM json_to_recordset(steps) AS w (ordinal bigint, step_no bigint, agency_code text)
    WHERE
        s.step_no = w.step_no AND s.source = its_source AND s.client_id = of_client AND s.transition_id IS NULL;
    INSERT INTO intake.pushed_steps (
        source, transition_id, agency_code, dossier_code, client_id, fields, status_code, supplement_at_desk, is_timed,
        occurred_at, recorded_at, digest
    )
    SELECT
        its_source, CASE WHEN w.agency_code IS NOT NULL THEN base + w.ordinal END, w.agency_code, w.dossier_code,
        of_client, w.fields, w.status_code, w.supplement_at_desk, w.is_timed,
        CASE WHEN w.is_of_arrival THEN moment ELSE w.occurred_at END, moment, decode(w.digest, 'hex')
    FROM json_to_recordset(steps) AS w (
        ordinal bigint, step_no bigint, agency_code text, dossier_code text, fields jsonb, status_code smallint,
        supplement_at_desk boolean, is_timed boolean, is_of_arrival boolean, occurred_at timestamptz, digest text
    )
    WHERE w.step_no IS NULL
    ORDER BY w.ordinal;

    DELETE FROM intake.recent_states AS r WHERE r.source = its_source AND r.arrived_at < moment - interval '2 days';
    INSERT INTO intake.recent_states AS r (source, agency_code, dossier_code, digest, arrived_at)
    SELECT its_source, w.agency_code, w.dossier_code, decode(w.digest, 'hex'), moment
    FROM json_to_recordset(states) AS w (agency_code text, dossier_code text, digest text)
    ON CONFLICT (source, agency_code, dossier_code, digest) DO UPDATE SET arrived_at = excluded.arrived_at;

    RETURN QUERY
    WITH written AS MATERIALIZED (
        SELECT w.*
        FROM json_to_recordset(dossiers) AS w (
            dossier_no bigint, agency_code text, dossier_code text, fields jsonb, status_code smallint,
            supplement_at_desk boolean, received_at timestamptz, due_at timestamptz, finished_at timestamptz,
            returned_at timestamptz, said_status smallint, is_told boolean, says boolean, is_moved boolean,
            is_later boolean, is_noted boolean, happened_at timestamptz, state text
        )
    ),

    saved AS (
        INSERT INTO intake.pushed_dossiers AS d (
            source, agency_code, dossier_code, client_id, fields, status_code, supplement_at_desk, received_at, due_at,
            finished_at, returned_at, arrived_at, updated_at, said_status, said_at
        )
        SELECT
            its_source, w.agency_code, w.dossier_code, CASE WHEN w.is_told THEN of_client ELSE o.client_id END,
            coalesce(o.fields, '{}') || w.fields, w.status_code, w.supplement_at_desk, w.received_at, w.due_at,
            w.finished_at, w.returned_at, moment,
            CASE
                WHEN NOT w.is_moved THEN o.updated_at
                WHEN w.is_later THEN moment + interval '1 microsecond'
                ELSE moment
            END,
            w.said_status, CASE WHEN w.says THEN moment ELSE o.said_at END
        FROM written AS w
        LEFT JOIN intake.pushed_dossiers AS o
            ON o.source = its_source AND w.agency_code = o.agency_code AND w.dossier_code = o.dossier_code
        WHERE w.is_told OR w.is_moved
        ON CONFLICT (source, agency_code, dossier_code) DO UPDATE SET
            client_id = excluded.client_id, fields = excluded.fields, status_code = excluded.status_code,
            supplement_at_desk = excluded.supplement_at_desk, received_at = excluded.received_at,
            due_at = excluded.due_at, finished_at = excluded.finished_at, returned_at = excluded.returned_at,
            updated_at = excluded.updated_at, said_status = excluded.said_status, said_at = excluded.said_at,
            purged_at = NULL
        RETURNING d.agency_code, d.dossier_code, d.dossier_no
    ),

    noted AS (
        INSERT INTO intake.exported_dossiers AS e (dossier_no, export_no, exported_at, happened_at, state)
        SELECT coalesce(s.dossier_no, w.dossier_no), export, exported, w.happened_at, decode(w.state, 'hex')
        FROM written AS w
        LEFT JOIN saved AS s ON w.agency_code = s.agency_code AND w.dossier_code = s.dossier_code
        WHERE w.is_noted
        ON CONFLICT (dossier_no) DO UPDATE SET
            export_no = excluded.export_no, exported_at = excluded.exported_at, happened_at = excluded.happened_at,
            state = excluded.state
    )

    SELECT s.agency_code, s.dossier_code, s.dossier_no FROM saved AS s;
END
$$;
COMMENT ON FUNCTION intake.write_taken(bigint, json, json, json, bigint, timestamptz)
IS 'Writes the dossiers and steps of a client as the caller decided, only for agencies that the client may write about, and returns the numbers of the dossiers.';

-- Begin to write a push of the client that a session belongs to. Call intake.begin_taking, and return its result. Also
-- return every code, alias and name of every agency (motcua.agencies, motcua.agency_aliases, motcua.agency_names), by
-- which domain/words.py finds agencies. Raises MC010 if the session belongs to no client. Called by
-- include/sql/intake/pushes.sql.
CREATE OR REPLACE FUNCTION intake.begin_push(
    session_digest bytea, given json, OUT client_id bigint, OUT agencies text[], OUT moment timestamptz,
    OUT dossiers text, OUT steps text, OUT words text
) LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog AS $$
    WITH named AS (
        SELECT TRUE AS is_code, a.agency_code AS written, a.agency_code FROM motcua.agencies AS a
        UNION ALL
        SELECT TRUE, l.alias, l.agency_code FROM motcua.agency_aliases AS l
        UNION ALL
        SELECT FALSE, unnest(ARRAY[a.name, a.short_name]), a.agency_code FROM motcua.agencies AS a
        UNION ALL
        SELECT FALSE, unnest(ARRAY[f.name, f.short_name]), f.agency_code FROM motcua.agency_names AS f
    )

    SELECT
        t.client_id, t.agencies, t.moment, t.dossiers, t.steps,
        (
            SELECT json_agg(json_build_array(n.is_code, n.written, n.agency_code))::text
            FROM named AS n WHERE n.written IS NOT NULL
        )
    FROM intake.begin_taking((SELECT c.client_id FROM intake.known_client(session_digest) AS c), given, TRUE) AS t
$$;
COMMENT ON FUNCTION intake.begin_push(bytea, json)
IS 'Waits until no other transaction writes for the source of the client that a session belongs to, keeps others waiting until this transaction ends, and returns the codes and names of agencies and what is known of the given dossiers, without data about a citizen.';

-- Write the dossiers and steps of a push by the client that a session belongs to, as the caller decided
-- (intake.write_taken). Raises MC010 if the session belongs to no client. Called by include/sql/intake/pushes.sql.
CREATE OR REPLACE FUNCTION intake.write_push(
    session_digest bytea, dossiers json, steps json, states json
) RETURNS TABLE (agency_code text, dossier_code text, dossier_no bigint) LANGUAGE sql SECURITY DEFINER
SET search_path = pg_catalog AS $$
    SELECT w.agency_code, w.dossier_code, w.dossier_no
    FROM intake.write_taken(
        (SELECT c.client_id FROM intake.known_client(session_digest) AS c), dossiers, steps, states, NULL, NULL
    ) AS w
$$;
COMMENT ON FUNCTION intake.write_push(bytea, json, json, json)
IS 'Writes the dossiers and steps of a push as the caller decided, only for agencies of the client that the session belongs to.';

-- Count, for each client of a source, the steps that pick-ups do not read yet because the steps' dossiers have not been
-- pushed (intake.pushed_steps). Read by include/sql/intake/clients.sql.
CREATE OR REPLACE VIEW intake.waiting_steps AS
SELECT s.source, s.client_id, count(*) AS steps
FROM intake.pushed_steps AS s
WHERE s.transition_id IS NULL
GROUP BY s.source, s.client_id;
COMMENT ON VIEW intake.waiting_steps IS 'Counts, for each client of a source, the steps that pick-ups do not read yet, because their dossiers have not been pushed.';

-- Show pushed dossiers in which papers are missing (status 5) but whose citizens were not texted, because nothing
-- states that the dossier is at the one-stop desk (intake.pushed_steps, intake.pushed_dossiers). A row is a step with
-- status 5, or a dossier with status 5 none of whose steps has that status. It is shown if two conditions hold. First,
-- neither the push nor the client's setting states that the dossier is at the desk. Second, no message about missing
-- papers was planned for the dossier since a day before said_at. A source's own status codes count as the national
-- codes to which staff mapped them. Read by include/sql/intake/clients.sql.
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
COMMENT ON VIEW intake.supplements_untold
IS 'Shows pushed dossiers in which papers are missing but whose citizens were not texted, because nothing states that the dossier is at the one-stop desk.';

-- Show pushed dossiers of all sources in the columns of the view dossiers of the source contract (the two views that
-- every source must offer). A dossier with status 9 (there is a result) is at the one-stop desk, because the result was
-- brought there. A dossier with status 5 (papers are missing) is at the desk if the push states this, or if the
-- client's setting supplements_at_desk_since was in force when the dossier changed. Read by
-- include/sql/sources/national_sync.sql.
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
    -- A push does not state when the phone number was typed in. The time of receipt of the dossier is used instead.
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
COMMENT ON VIEW intake.source_dossiers IS 'Shows pushed dossiers in the columns of the view dossiers of the source contract.';

-- Show pushed steps of all sources in the columns of the view transitions of the source contract. at_one_stop_desk is
-- computed by the same rules as in intake.source_dossiers. Read by include/sql/sources/national_sync.sql.
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
COMMENT ON VIEW intake.source_transitions IS 'Shows pushed steps in the columns of the view transitions of the source contract.';

-- Let auditors read for which agencies the figures of a closing (the stored figures of a period) come from pushed data.
CREATE OR REPLACE VIEW audit.closing_pushed AS
SELECT closing_no, source, agency_code FROM motcua.closing_pushed;
-- Let auditors read the figures that the national portal shows for agencies and periods, as people uploaded them.
CREATE OR REPLACE VIEW audit.portal_figures AS
SELECT
    figure_no, agency_code, period, received, resolved, returned, handed_in_by, handed_in_at, file_name, file_sha256,
    file_line, replaces
FROM motcua.portal_figures;
