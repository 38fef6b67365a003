-- The ledger as migrations and definitions leave it; written by `python -m tests.schema_file`, not by hand.
-- What each table is for: docs/data-dictionary.md. Where a function or view is changed: include/sql/definitions.
-- PostgreSQL database dump

-- Name: audit; Type: SCHEMA; Schema: -; Owner: -

CREATE SCHEMA audit;

-- Name: intake; Type: SCHEMA; Schema: -; Owner: -

CREATE SCHEMA intake;

-- Name: motcua; Type: SCHEMA; Schema: -; Owner: -

CREATE SCHEMA motcua;

-- Name: quality; Type: SCHEMA; Schema: -; Owner: -

CREATE SCHEMA quality;

-- Name: statements; Type: SCHEMA; Schema: -; Owner: -

CREATE SCHEMA statements;

-- Name: dossier_as_of(bigint, timestamp with time zone, bigint, bigint); Type: FUNCTION; Schema: audit; Owner: -

CREATE FUNCTION audit.dossier_as_of(of_dossier bigint, moment timestamp with time zone, known_version bigint, known_transition bigint) RETURNS TABLE(due_at timestamp with time zone, received_at timestamp with time zone, status_code smallint, handed_over boolean)
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog'
    AS $$
    SELECT * FROM motcua.dossier_as_of(of_dossier, moment, known_version, known_transition)
$$;

-- Name: dossiers_as_of(bigint); Type: FUNCTION; Schema: audit; Owner: -

CREATE FUNCTION audit.dossiers_as_of(known_version bigint) RETURNS TABLE(dossier_id bigint, source_id smallint, agency_code text, dossier_code text, procedure_code text, submitted_via text, received_at timestamp with time zone, due_at timestamp with time zone, status_code smallint, finished_at timestamp with time zone, returned_at timestamp with time zone, updated_at timestamp with time zone)
    LANGUAGE sql STABLE PARALLEL SAFE
    AS $$
    SELECT
        d.dossier_id, d.source_id, d.agency_code, d.dossier_code, coalesce(d.procedure_code, ''), d.submitted_via,
        d.received_at, d.due_at, d.status_code, d.finished_at, d.returned_at, d.updated_at
    FROM audit.dossiers AS d
    WHERE NOT EXISTS (
        SELECT 1 FROM audit.dossier_versions AS v WHERE v.version_id > known_version AND v.dossier_id = d.dossier_id
    )
    UNION ALL
    SELECT
        d.dossier_id, d.source_id, d.agency_code, d.dossier_code, coalesce(o.procedure_code, ''),
        CASE WHEN o.submitted_via = '' THEN d.submitted_via ELSE o.submitted_via END,
        o.received_at, o.due_at, o.status_code, o.finished_at, o.returned_at, o.updated_at
    FROM (
        SELECT DISTINCT v.dossier_id FROM audit.dossier_versions AS v WHERE v.version_id > known_version
    ) AS n
    INNER JOIN audit.dossiers AS d ON n.dossier_id = d.dossier_id
    CROSS JOIN LATERAL (
        SELECT l.* FROM audit.dossier_versions AS l
        WHERE l.dossier_id = n.dossier_id AND l.version_id <= known_version
        ORDER BY l.version_id DESC
        LIMIT 1
    ) AS o
$$;

-- Name: dossiers_in_period(bigint, timestamp with time zone, timestamp with time zone, text); Type: FUNCTION; Schema: audit; Owner: -

CREATE FUNCTION audit.dossiers_in_period(known_version bigint, starts timestamp with time zone, ends timestamp with time zone, only_agency text DEFAULT NULL::text) RETURNS TABLE(dossier_id bigint, agency_code text, procedure_code text, dossier_code text, received_at timestamp with time zone, due_at timestamp with time zone, resolved_at timestamp with time zone, returned_at timestamp with time zone, carried_over boolean, received boolean, received_online boolean, received_postal boolean, resolved_early boolean, resolved_on_time boolean, resolved_late boolean, resolved_without_due boolean, withdrawn boolean, open_in_time boolean, open_late boolean, paused_in_time boolean, paused_late boolean, due boolean, handed_over boolean)
    LANGUAGE sql STABLE PARALLEL SAFE
    AS $$
    SELECT
        f.dossier_id, f.agency_code, f.procedure_code, f.dossier_code, f.received_at, f.due_at, f.resolved_at,
        f.returned_at,
        f.is_carried_over,
        f.is_received,
        f.is_received AND coalesce(f.submitted_via = 'online', FALSE),
        f.is_received AND coalesce(f.submitted_via = 'postal', FALSE),
        f.is_resolved AND coalesce(f.days_over < 0, FALSE),
        f.is_resolved AND coalesce(f.days_over = 0, FALSE),
        f.is_resolved AND coalesce(f.days_over > 0, FALSE),
        f.is_resolved AND f.days_over IS NULL,
        f.is_resolved AND f.status_code = 7,
        f.is_open AND NOT f.is_paused AND NOT f.is_overdue,
        f.is_open AND NOT f.is_paused AND f.is_overdue,
        f.is_open AND f.is_paused AND NOT f.is_overdue,
        f.is_open AND f.is_paused AND f.is_overdue,
        f.is_due,
        f.is_handed_over
    FROM (
        SELECT
            j.*,
            coalesce(j.received_at >= starts AND j.received_at < ends, FALSE) AS is_received,
            coalesce(j.received_at < starts AND coalesce(j.resolved_at >= starts, TRUE), FALSE) AS is_carried_over,
            coalesce(j.resolved_at >= starts AND j.resolved_at < ends, FALSE) AS is_resolved,
            -- Days of Vietnam.
            (j.resolved_at AT TIME ZONE interval '+07:00')::date
            - (j.due_at AT TIME ZONE interval '+07:00')::date AS days_over,
            coalesce(j.received_at < ends AND coalesce(j.resolved_at >= ends, TRUE), FALSE) AS is_open,
            coalesce(j.status_at_end IN (5, 6, 8), FALSE) AS is_paused,
            coalesce(j.due_at < ends, FALSE) AS is_overdue,
            coalesce(j.due_at >= starts AND j.due_at < ends, FALSE) AS is_due,
            coalesce(j.returned_at >= starts AND j.returned_at < ends, FALSE) AS is_handed_over
        FROM (
            SELECT
                d.dossier_id, d.agency_code, d.procedure_code, d.dossier_code, d.submitted_via, d.status_code,
                d.received_at, d.returned_at,
                CASE
                    WHEN d.status_code IN (7, 9, 10) THEN coalesce(d.finished_at, d.returned_at, d.updated_at)
                END AS resolved_at,
                CASE WHEN e.dossier_id IS NULL THEN d.status_code ELSE e.status_code END AS status_at_end,
                CASE WHEN e.dossier_id IS NULL THEN d.due_at ELSE e.due_at END AS due_at
            FROM audit.dossiers_as_of(known_version) AS d
            LEFT JOIN (
                SELECT DISTINCT ON (v.dossier_id) v.dossier_id, v.status_code, v.due_at
                FROM audit.dossiers AS c
                INNER JOIN audit.dossier_versions AS v ON c.dossier_id = v.dossier_id
                WHERE
                    -- Only of a row that was changed since is the end of the period to be looked for: a few, which
                    -- PostgreSQL can tell of a condition that is written so.
                    (c.updated_at >= ends OR c.updated_at IS NULL)
                    AND v.version_id <= known_version AND coalesce(v.updated_at, v.seen_at) < ends
                ORDER BY v.dossier_id, v.version_id DESC
            ) AS e ON d.dossier_id = e.dossier_id AND (d.updated_at >= ends OR d.updated_at IS NULL)
            WHERE
                (only_agency IS NULL OR d.agency_code = only_agency)
                AND d.status_code IS DISTINCT FROM 1 AND d.status_code IS DISTINCT FROM 3
                -- Nothing else can be in a period's figures.
                AND (
                    d.received_at < ends
                    OR d.updated_at >= ends OR d.updated_at IS NULL
                    OR (d.due_at >= starts AND d.due_at < ends)
                    OR (d.returned_at >= starts AND d.returned_at < ends)
                    OR (d.finished_at >= starts AND d.finished_at < ends)
                    OR (d.updated_at >= starts AND d.updated_at < ends)
                )
        ) AS j
        -- Each condition is computed once a dossier, not once a figure.
        OFFSET 0
    ) AS f
    WHERE f.is_carried_over OR f.is_received OR f.is_resolved OR f.is_open OR f.is_handed_over OR f.is_due
$$;

-- Name: messages_as_of(bigint); Type: FUNCTION; Schema: audit; Owner: -

CREATE FUNCTION audit.messages_as_of(known_history bigint) RETURNS TABLE(message_id bigint, kind text, dossier_id bigint, agency_code text, procedure_code text, occasion text, transition_id bigint, state text, reason text, segments smallint, recorded_at timestamp with time zone, moved_at timestamp with time zone)
    LANGUAGE sql STABLE PARALLEL SAFE
    AS $$
    SELECT
        m.message_id, m.kind, m.dossier_id, coalesce(m.agency_code, ''), coalesce(m.procedure_code, ''), m.occasion,
        m.transition_id, m.state, m.reason, m.segments, m.recorded_at, m.changed_at
    FROM audit.messages AS m
    WHERE NOT EXISTS (
        SELECT 1 FROM audit.message_history AS l WHERE l.history_id > known_history AND l.message_id = m.message_id
    )
    UNION ALL
    SELECT s.* FROM audit.moved_since(known_history) AS s
$$;

-- Name: moved_at(bigint, bigint); Type: FUNCTION; Schema: audit; Owner: -

CREATE FUNCTION audit.moved_at(message bigint, known_history bigint) RETURNS timestamp with time zone
    LANGUAGE sql STABLE PARALLEL SAFE
    AS $$
    SELECT max(h.changed_at)
    FROM audit.message_history AS h
    WHERE h.message_id = message AND h.history_id <= known_history AND h.from_state IS DISTINCT FROM h.to_state
$$;

-- Name: moved_since(bigint); Type: FUNCTION; Schema: audit; Owner: -

CREATE FUNCTION audit.moved_since(known_history bigint) RETURNS TABLE(message_id bigint, kind text, dossier_id bigint, agency_code text, procedure_code text, occasion text, transition_id bigint, state text, reason text, segments smallint, recorded_at timestamp with time zone, moved_at timestamp with time zone)
    LANGUAGE sql STABLE PARALLEL SAFE
    AS $$
    SELECT
        m.message_id, m.kind, m.dossier_id, coalesce(m.agency_code, ''), coalesce(m.procedure_code, ''), m.occasion,
        m.transition_id, n.from_state, n.from_reason, m.segments, m.recorded_at,
        -- A function: a query here would keep PostgreSQL from reading all the other messages with several processes.
        audit.moved_at(m.message_id, known_history)
    FROM (
        SELECT DISTINCT ON (l.message_id) l.message_id, l.from_state, l.from_reason
        FROM audit.message_history AS l
        WHERE l.history_id > known_history
        ORDER BY l.message_id, l.history_id
    ) AS n
    INNER JOIN audit.messages AS m ON n.message_id = m.message_id
    -- A message whose first move came later did not exist yet.
    WHERE n.from_state IS NOT NULL
$$;

-- Name: agency_named(text); Type: FUNCTION; Schema: intake; Owner: -

CREATE FUNCTION intake.agency_named(written text) RETURNS text
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog'
    AS $$
    SELECT CASE WHEN min(n.agency_code) = max(n.agency_code) THEN min(n.agency_code) END
    FROM (
        SELECT a.agency_code, a.name FROM motcua.agencies AS a
        UNION ALL
        SELECT a.agency_code, a.short_name FROM motcua.agencies AS a
        UNION ALL
        SELECT f.agency_code, f.name FROM motcua.agency_names AS f
    ) AS n
    WHERE lower(normalize(n.name)) = lower(normalize(written))
$$;

-- Name: agency_of(text); Type: FUNCTION; Schema: intake; Owner: -

CREATE FUNCTION intake.agency_of(written text) RETURNS text
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog'
    AS $$
    SELECT a.agency_code FROM motcua.agencies AS a WHERE a.agency_code = written
    UNION ALL
    SELECT l.agency_code FROM motcua.agency_aliases AS l WHERE l.alias = written
    LIMIT 1
$$;

-- Name: begin_push(bytea); Type: FUNCTION; Schema: intake; Owner: -

CREATE FUNCTION intake.begin_push(session_digest bytea, OUT client bigint, OUT source text, OUT only_agency text, OUT moment timestamp with time zone) RETURNS record
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog'
    AS $$
BEGIN
    SELECT c.client_id, c.source INTO client, source FROM intake.known_client(session_digest) AS c;
    IF client IS NULL THEN
        RAISE EXCEPTION 'the session is nobody''s' USING ERRCODE = 'MC010';
    END IF;
    SELECT CASE WHEN count(*) = 1 THEN min(a.agency_code) END INTO only_agency
    FROM intake.client_agencies AS a WHERE a.client_id = client;
    INSERT INTO intake.numbers AS n (source) VALUES (begin_push.source) ON CONFLICT DO NOTHING;
    PERFORM FROM intake.numbers AS n WHERE n.source = begin_push.source FOR UPDATE;
    moment := clock_timestamp();
END
$$;

-- Name: compare_export(bigint, text[], text[]); Type: FUNCTION; Schema: intake; Owner: -

CREATE FUNCTION intake.compare_export(of_client bigint, agency_codes text[], dossier_codes text[], OUT there bigint, OUT missing bigint) RETURNS record
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog'
    AS $$
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

-- Name: follow_steps(text, text[], timestamp with time zone); Type: FUNCTION; Schema: intake; Owner: -

CREATE FUNCTION intake.follow_steps(of_source text, codes text[], moment timestamp with time zone) RETURNS void
    LANGUAGE sql
    SET search_path TO 'pg_catalog'
    AS $$
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

-- Name: clients; Type: TABLE; Schema: intake; Owner: -

CREATE TABLE intake.clients (
    client_id bigint NOT NULL,
    name text NOT NULL,
    source text NOT NULL,
    salt bytea NOT NULL,
    password_digest bytea NOT NULL,
    networks cidr[] DEFAULT '{}'::cidr[] NOT NULL,
    supplements_at_desk_since timestamp with time zone,
    made_at timestamp with time zone NOT NULL,
    disabled_at timestamp with time zone,
    CONSTRAINT clients_name_check CHECK ((name ~ '^[a-z][a-z0-9_]{0,39}$'::text)),
    CONSTRAINT clients_password_digest_check CHECK ((length(password_digest) = 32)),
    CONSTRAINT clients_salt_check CHECK ((length(salt) >= 16)),
    CONSTRAINT clients_source_check CHECK ((source ~ '^[a-z][a-z0-9_]{0,39}$'::text))
);

-- Name: known_client(bytea); Type: FUNCTION; Schema: intake; Owner: -

CREATE FUNCTION intake.known_client(session_digest bytea) RETURNS SETOF intake.clients
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog'
    AS $$
    SELECT c.*
    FROM intake.sessions AS s
    INNER JOIN intake.clients AS c ON s.client_id = c.client_id
    WHERE s.token_digest = session_digest AND s.expires_at > clock_timestamp() AND c.disabled_at IS NULL
$$;

-- Name: last_steps(text, text, text); Type: FUNCTION; Schema: intake; Owner: -

CREATE FUNCTION intake.last_steps(of_source text, of_agency text, of_code text) RETURNS TABLE(status_code smallint, supplement_at_desk boolean, happened_at timestamp with time zone, recorded_at timestamp with time zone, clock_status smallint, clock_supplement boolean, clock_said_from timestamp with time zone, clock_recorded_at timestamp with time zone)
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog'
    AS $$
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

-- Name: look_up(bytea, text[]); Type: FUNCTION; Schema: intake; Owner: -

CREATE FUNCTION intake.look_up(session_digest bytea, codes text[]) RETURNS TABLE(dossier_code text, status_code smallint)
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog'
    AS $$
    SELECT d.dossier_code, d.status_code
    FROM intake.known_client(session_digest) AS c
    INNER JOIN intake.client_agencies AS a ON c.client_id = a.client_id
    INNER JOIN intake.pushed_dossiers AS d ON c.source = d.source AND a.agency_code = d.agency_code
    WHERE d.dossier_code = any(codes)
    ORDER BY d.dossier_no
    LIMIT 100
$$;

-- Name: next_number(text, bigint); Type: FUNCTION; Schema: intake; Owner: -

CREATE FUNCTION intake.next_number(of_source text, so_many bigint) RETURNS bigint
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog'
    AS $$
DECLARE
    before_first bigint;
BEGIN
    SELECT
        greatest(
            n.last_number,
            -- What no sequence reaches is no number to go on from.
            (SELECT max(s.cursor_transition_id) FROM motcua.sources AS s WHERE s.cursor_transition_id < 1::bigint << 61)
        )
    INTO before_first
    FROM intake.numbers AS n WHERE n.source = of_source;
    UPDATE intake.numbers AS n SET last_number = before_first + so_many WHERE n.source = of_source;
    RETURN before_first;
END
$$;

-- Name: note_call(bytea, text, bigint, bigint, bigint, jsonb); Type: FUNCTION; Schema: intake; Owner: -

CREATE FUNCTION intake.note_call(session_digest bytea, of_service text, were_taken bigint, were_repeated bigint, were_refused bigint, faults jsonb) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog'
    AS $$
DECLARE
    moment timestamptz := clock_timestamp();
    today date := (moment AT TIME ZONE 'Asia/Ho_Chi_Minh')::date;
    known bigint := (SELECT c.client_id FROM intake.known_client(session_digest) AS c);
BEGIN
    IF known IS NULL THEN
        RETURN;
    END IF;
    INSERT INTO intake.client_days AS d (client_id, day, service, calls, taken, repeated, refused, last_at)
    VALUES (known, today, of_service, 1, were_taken, were_repeated, were_refused, moment)
    ON CONFLICT (client_id, day, service) DO UPDATE SET
        calls = d.calls + 1,
        taken = d.taken + excluded.taken,
        repeated = d.repeated + excluded.repeated,
        refused = d.refused + excluded.refused,
        last_at = excluded.last_at;
    INSERT INTO intake.client_hours (client_id, hour) VALUES (known, date_trunc('hour', moment)) ON CONFLICT DO NOTHING;
    IF FOUND THEN
        DELETE FROM intake.client_hours AS h WHERE h.client_id = known AND h.hour < moment - interval '60 days';
    END IF;
    INSERT INTO intake.faults AS f (client_id, day, service, fault, field, records, last_at)
    SELECT known, today, of_service, r.fault, r.field, r.records, moment
    FROM jsonb_to_recordset(faults) AS r (fault text, field text, records bigint)
    ORDER BY r.fault, r.field
    ON CONFLICT (client_id, day, service, fault, field) DO UPDATE SET
        records = f.records + excluded.records, last_at = excluded.last_at;
END
$$;

-- Name: note_vanished(bigint, bigint, text[], text[]); Type: FUNCTION; Schema: intake; Owner: -

CREATE FUNCTION intake.note_vanished(of_client bigint, export bigint, agency_codes text[], dossier_codes text[]) RETURNS bigint
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'pg_catalog'
    AS $$
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

-- Name: sign_in(text, bytea, bytea, interval); Type: FUNCTION; Schema: intake; Owner: -

CREATE FUNCTION intake.sign_in(client_name text, shown_digest bytea, session_digest bytea, lasts interval) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog'
    AS $$
DECLARE
    moment timestamptz := clock_timestamp();
    known bigint;
BEGIN
    SELECT c.client_id INTO known
    FROM intake.clients AS c
    WHERE c.name = client_name AND c.disabled_at IS NULL AND c.password_digest = sha256(c.salt || shown_digest);
    IF known IS NULL THEN
        RETURN FALSE;
    END IF;
    DELETE FROM intake.sessions AS s WHERE s.client_id = known AND s.expires_at < moment;
    INSERT INTO intake.sessions (token_digest, client_id, expires_at)
    VALUES (session_digest, known, moment + least(lasts, interval '1 day'));
    RETURN TRUE;
END
$$;

-- Name: sign_in_from(inet, text, bytea); Type: FUNCTION; Schema: intake; Owner: -

CREATE FUNCTION intake.sign_in_from(caller inet, unit text, session_digest bytea) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog'
    AS $$
DECLARE
    moment timestamptz := clock_timestamp();
    known bigint[];
    most integer;
BEGIN
    SELECT array_agg(c.client_id) INTO known
    FROM intake.clients AS c
    INNER JOIN intake.client_agencies AS a ON c.client_id = a.client_id
    WHERE
        c.disabled_at IS NULL AND a.agency_code = intake.agency_of(unit)
        AND EXISTS (SELECT 1 FROM unnest(c.networks) AS n (network) WHERE caller <<= n.network);
    IF cardinality(known) IS DISTINCT FROM 1 THEN
        WITH counted AS (
            INSERT INTO intake.wrong_addresses AS w (client_id, since, wrong)
            SELECT c.client_id, moment, 1
            FROM intake.clients AS c
            INNER JOIN intake.client_agencies AS a ON c.client_id = a.client_id
            WHERE c.disabled_at IS NULL AND c.networks <> '{}' AND a.agency_code = intake.agency_of(unit)
            ORDER BY c.client_id
            ON CONFLICT (client_id) DO UPDATE SET
                since = CASE WHEN w.since < moment - interval '1 minute' THEN moment ELSE w.since END,
                wrong = CASE WHEN w.since < moment - interval '1 minute' THEN 1 ELSE w.wrong + 1 END
            RETURNING wrong
        )

        SELECT max(c.wrong) INTO most FROM counted AS c;
        IF most > 60 THEN
            PERFORM pg_sleep(1);
        END IF;
        RETURN FALSE;
    END IF;
    DELETE FROM intake.sessions AS s WHERE s.client_id = known[1] AND s.expires_at < moment;
    INSERT INTO intake.sessions (token_digest, client_id, expires_at)
    VALUES (session_digest, known[1], moment + interval '1 minute');
    RETURN TRUE;
END
$$;

-- Name: take_dossiers(bytea, jsonb); Type: FUNCTION; Schema: intake; Owner: -

CREATE FUNCTION intake.take_dossiers(session_digest bytea, given jsonb) RETURNS TABLE(place integer, outcome text, dossier_no bigint)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog'
    AS $_$
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
$_$;

-- Name: take_export(bigint, bigint, timestamp with time zone, boolean, boolean, jsonb); Type: FUNCTION; Schema: intake; Owner: -

CREATE FUNCTION intake.take_export(of_client bigint, export bigint, exported timestamp with time zone, is_whole boolean, is_first boolean, given jsonb) RETURNS TABLE(added bigint, moved bigint, older bigint)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog'
    AS $$
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

-- Name: take_steps(bytea, jsonb); Type: FUNCTION; Schema: intake; Owner: -

CREATE FUNCTION intake.take_steps(session_digest bytea, given jsonb) RETURNS TABLE(place integer, outcome text)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog'
    AS $_$
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
$_$;

-- Name: whose(bytea); Type: FUNCTION; Schema: intake; Owner: -

CREATE FUNCTION intake.whose(session_digest bytea) RETURNS bigint
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog'
    AS $$
    SELECT c.client_id FROM intake.known_client(session_digest) AS c
$$;

-- Name: agencies_on(date); Type: FUNCTION; Schema: motcua; Owner: -

CREATE FUNCTION motcua.agencies_on(day date) RETURNS TABLE(agency_code text, in_charge text, name text, short_name text)
    LANGUAGE sql STABLE
    AS $$
    WITH RECURSIVE chain AS (
        SELECT g.agency_code, g.agency_code AS last_code, g.valid_until, g.successor_code, ARRAY[g.agency_code] AS path
        FROM motcua.agencies AS g
        UNION ALL
        SELECT c.agency_code, s.agency_code, s.valid_until, s.successor_code, c.path || s.agency_code
        FROM chain AS c
        INNER JOIN motcua.agencies AS s ON c.successor_code = s.agency_code
        WHERE c.valid_until < day AND s.agency_code <> ALL (c.path)
    ),
    ends AS (
        SELECT DISTINCT ON (c.agency_code)
            c.agency_code, c.last_code, coalesce(c.valid_until >= day, TRUE) AS exists_then
        FROM chain AS c
        ORDER BY c.agency_code, cardinality(c.path) DESC
    )
    SELECT
        e.agency_code,
        CASE WHEN e.exists_then THEN e.last_code END,
        coalesce(f.name, g.name),
        CASE WHEN f.name IS NULL THEN g.short_name ELSE f.short_name END
    FROM ends AS e
    INNER JOIN motcua.agencies AS g ON e.last_code = g.agency_code
    LEFT JOIN LATERAL (
        SELECT n.name, n.short_name
        FROM motcua.agency_names AS n
        WHERE n.agency_code = e.last_code AND n.valid_until >= day
        ORDER BY n.valid_until
        LIMIT 1
    ) AS f ON TRUE
$$;

-- Name: answer_gap(bigint, timestamp with time zone, text, text, text, timestamp with time zone); Type: FUNCTION; Schema: motcua; Owner: -

CREATE FUNCTION motcua.answer_gap(of_gap bigint, sent_by timestamp with time zone, said_by text, because text, at_gateway text, at_moment timestamp with time zone) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'motcua'
    AS $$
DECLARE
    of_unknown_outcome bigint := 0;
    woke_at timestamptz;
BEGIN
    IF coalesce(btrim(said_by), '') = '' OR coalesce(btrim(because), '') = '' THEN
        RAISE EXCEPTION 'a gap is answered by somebody, with a reason' USING ERRCODE = 'check_violation';
    END IF;
    UPDATE motcua.gaps AS g
    SET
        closed_at = at_moment,
        closed_by = said_by,
        reason = because,
        sent_until = CASE WHEN sent_by IS NOT NULL THEN least(sent_by, g.held_until) END
    WHERE g.gap_no = of_gap AND g.closed_at IS NULL AND g.held_until IS NOT NULL
    RETURNING g.held_until INTO woke_at;
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    IF sent_by IS NOT NULL THEN
        of_unknown_outcome := motcua.hold_blind(of_gap, at_gateway, at_moment);
    END IF;
    UPDATE motcua.messages AS m
    SET reason = NULL, next_attempt_at = least(m.next_attempt_at, woke_at)
    WHERE m.state = 'queued' AND m.reason = 'slept';
    RETURN of_unknown_outcome;
END
$$;

-- Name: apology_holds(bigint, text); Type: FUNCTION; Schema: motcua; Owner: -

CREATE FUNCTION motcua.apology_holds(of_dossier bigint, of_occasion text) RETURNS boolean
    LANGUAGE sql STABLE
    AS $$
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

-- Name: apply_page_request(bigint); Type: FUNCTION; Schema: motcua; Owner: -

CREATE FUNCTION motcua.apply_page_request(of_request bigint) RETURNS text
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'motcua'
    AS $$
DECLARE
    the motcua.page_requests;
    became text;
    let_go integer;
    stood_for smallint;
    form_seen bigint;
    account bigint;
BEGIN
    SELECT * INTO the FROM motcua.page_requests WHERE request_no = of_request FOR UPDATE;
    IF NOT FOUND OR the.ended_at IS NOT NULL THEN
        RETURN NULL;
    END IF;
    IF the.told_at IS NULL OR the.applies_at > clock_timestamp() THEN
        RAISE EXCEPTION 'request % waits: the Department was not mailed, or may still withdraw it', of_request
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    BEGIN
        CASE the.kind
            WHEN 'map_status' THEN
                SELECT m.status_code INTO stood_for
                FROM motcua.status_maps AS m
                INNER JOIN motcua.sources AS s ON m.source_id = s.source_id
                WHERE s.name = the.wanted ->> 'source' AND m.source_status = (the.wanted ->> 'written')::integer;
                IF stood_for IS NOT DISTINCT FROM (the.wanted ->> 'stood_for')::smallint THEN
                    PERFORM motcua.map_status(
                        the.wanted ->> 'source', (the.wanted ->> 'written')::integer,
                        (the.wanted ->> 'stands_for')::integer, the.asked_by, now()
                    );
                    became := 'done';
                END IF;
            WHEN 'release' THEN
                SELECT count(*) INTO let_go
                FROM motcua.release_messages(
                    the.asked_by, the.wanted ->> 'reason', now(),
                    ARRAY(SELECT e.value::bigint FROM jsonb_array_elements_text(the.wanted -> 'messages') AS e),
                    NULL, NULL, NULL
                );
                became := CASE WHEN let_go > 0 THEN 'done' ELSE 'nothing_left' END;
            WHEN 'recipients' THEN
                UPDATE motcua.agencies
                SET
                    report_recipients = ARRAY(
                        SELECT e.value FROM jsonb_array_elements_text(the.wanted -> 'addresses') WITH ORDINALITY AS e
                        ORDER BY e.ordinality
                    ),
                    changed_by = the.asked_by,
                    by_department = FALSE
                WHERE
                    agency_code = the.wanted ->> 'agency' AND recipients_list = (the.wanted ->> 'list')::integer;
                IF FOUND THEN
                    became := 'done';
                END IF;
            WHEN 'export_form' THEN
                SELECT c.client_id, max(f.form_no) INTO account, form_seen
                FROM intake.clients AS c
                LEFT JOIN intake.export_forms AS f ON c.client_id = f.client_id
                WHERE c.name = the.wanted ->> 'source' AND c.source = the.wanted ->> 'source'
                GROUP BY c.client_id;
                IF account IS NOT NULL AND form_seen IS NOT DISTINCT FROM (the.wanted ->> 'seen')::bigint THEN
                    INSERT INTO intake.export_forms (client_id, form, set_at, set_by)
                    VALUES (account, the.wanted -> 'form', now(), the.asked_by);
                    became := 'done';
                END IF;
        END CASE;
    EXCEPTION
        WHEN integrity_constraint_violation THEN
            became := 'refused';
    END;
    UPDATE motcua.page_requests
    SET
        ended_at = now(), outcome = coalesce(became, 'changed'), wanted = wanted - 'addresses',
        released = CASE WHEN the.kind = 'release' THEN coalesce(let_go, 0) END
    WHERE request_no = of_request;
    RETURN coalesce(became, 'changed');
END
$$;

-- Name: apply_receipts(jsonb, timestamp with time zone); Type: FUNCTION; Schema: motcua; Owner: -

CREATE FUNCTION motcua.apply_receipts(meanings jsonb, at_moment timestamp with time zone) RETURNS TABLE(receipt_id bigint, effect text)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'motcua'
    AS $$
#variable_conflict use_column
DECLARE
    locked bigint[];
BEGIN
    IF EXISTS (
        SELECT 1 FROM jsonb_to_recordset(meanings) AS r (meaning text) WHERE r.meaning = 'absent'
    ) AND NOT has_table_privilege(session_user, 'motcua.messages', 'UPDATE') THEN
        RAISE EXCEPTION 'whoever may not move messages may not say that one never arrived'
        USING ERRCODE = 'insufficient_privilege';
    END IF;
    IF EXISTS (
        SELECT 1 FROM jsonb_to_recordset(meanings) AS r (receipt_id bigint)
        WHERE NOT EXISTS (SELECT 1 FROM motcua.receipts AS k WHERE k.receipt_id = r.receipt_id)
    ) THEN
        RAISE EXCEPTION 'a receipt is read once it is stored' USING ERRCODE = 'foreign_key_violation';
    END IF;

    -- Locked before anything about them is read; of several those are left out that others hold, so that nobody waits
    -- for several at once and none in a circle.
    IF jsonb_array_length(meanings) = 1 THEN
        locked := ARRAY(
            SELECT m.message_id
            FROM jsonb_to_recordset(meanings) AS r (receipt_id bigint)
            INNER JOIN motcua.receipts AS k ON r.receipt_id = k.receipt_id
            INNER JOIN motcua.attempts AS a ON k.reference = a.reference AND k.gateway = a.gateway
            INNER JOIN motcua.messages AS m ON a.message_id = m.message_id
            FOR UPDATE OF m
        );
    ELSE
        locked := ARRAY(
            SELECT m.message_id
            FROM jsonb_to_recordset(meanings) AS r (receipt_id bigint)
            INNER JOIN motcua.receipts AS k ON r.receipt_id = k.receipt_id
            INNER JOIN motcua.attempts AS a ON k.reference = a.reference AND k.gateway = a.gateway
            INNER JOIN motcua.messages AS m ON a.message_id = m.message_id
            FOR UPDATE OF m SKIP LOCKED
        );
    END IF;

    RETURN QUERY
    WITH given AS MATERIALIZED (
        SELECT
            r.receipt_id,
            r.meaning,
            a.attempt_id,
            a.message_id,
            a.state AS attempt_state,
            a.released,
            m.state AS message_state,
            coalesce(m.reason = 'part_refused', FALSE) AS is_closed,
            r.meaning IN ('accepted', 'delivered', 'undelivered', 'refused') AS is_report,
            CASE r.meaning WHEN 'refused' THEN 'undelivered' ELSE r.meaning END AS state,
            r.meaning = 'refused' AND coalesce(a.segments, m.segments) > 1 AS part_refused,
            CASE
                WHEN r.meaning = 'refused' AND coalesce(a.segments, m.segments) > 1 THEN 'part_refused'
                WHEN m.state IN ('expired', 'cancelled', 'suppressed') THEN 'late_receipt'
                WHEN r.meaning IN ('undelivered', 'refused')
                    THEN 'gateway status ' || coalesce(k.gateway_status, 'None')
            END AS reason,
            NOT EXISTS (
                SELECT 1 FROM motcua.attempts AS later
                WHERE later.message_id = a.message_id AND later.attempt_id > a.attempt_id
            ) AS is_last
        FROM
            jsonb_to_recordset(meanings) AS r (receipt_id bigint, meaning text)
        INNER JOIN motcua.receipts AS k ON r.receipt_id = k.receipt_id
        LEFT JOIN motcua.attempts AS a ON k.reference = a.reference AND k.gateway = a.gateway
        LEFT JOIN motcua.messages AS m ON a.message_id = m.message_id
        WHERE a.message_id IS NULL OR a.message_id = any(locked)
    ),

    settled AS (
        UPDATE motcua.attempts AS a
        SET
            state = g.state,
            outcome = coalesce(a.outcome, 'receipt'),
            answered_at = coalesce(a.answered_at, at_moment)
        FROM given AS g
        WHERE
            a.attempt_id = g.attempt_id
            AND g.is_report
            AND NOT g.is_closed
            AND (
                a.state IN ('in_flight', 'unknown')
                OR (a.state = 'accepted' AND g.state IN ('delivered', 'undelivered'))
                OR (a.state = 'delivered' AND g.part_refused)
                OR (g.is_last AND a.state = 'failed')
                OR (
                    g.is_last AND g.message_state = 'undelivered' AND a.state = 'undelivered' AND g.state = 'delivered'
                )
            )
    ),

    moved AS (
        UPDATE motcua.messages AS m
        SET
            state = g.state,
            reason = g.reason,
            accepted_at = coalesce(m.accepted_at, at_moment)
        FROM given AS g
        WHERE
            m.message_id = g.message_id
            AND g.is_report
            AND g.is_last
            AND NOT g.is_closed
            AND (g.message_state <> 'queued' OR g.attempt_state = 'failed' OR g.released)
            AND EXISTS (
                SELECT 1 FROM motcua.message_moves AS v
                WHERE
                    v.from_state = g.message_state AND v.to_state = g.state
                    AND coalesce(v.only_for = g.reason, v.only_for IS NULL)
            )
        RETURNING g.receipt_id
    ),

    never_arrived AS (
        UPDATE motcua.attempts AS a
        SET state = 'failed', answered_at = coalesce(a.answered_at, at_moment)
        FROM given AS g
        WHERE
            a.attempt_id = g.attempt_id
            AND g.meaning = 'absent'
            AND g.is_last
            AND a.state = 'unknown'
            AND NOT a.released
        RETURNING g.receipt_id, g.message_id
    ),

    due_again AS (
        UPDATE motcua.messages AS m
        SET state = 'queued', reason = 'never_arrived', next_attempt_at = at_moment
        FROM never_arrived AS n
        WHERE m.message_id = n.message_id AND m.state = 'unknown'
        RETURNING n.receipt_id
    ),

    effects AS (
        SELECT
            g.receipt_id,
            g.attempt_id,
            g.meaning,
            CASE
                WHEN g.attempt_id IS NULL THEN 'unknown_reference'
                WHEN
                    g.receipt_id IN (
                        SELECT receipt_id FROM moved
                        UNION ALL
                        SELECT receipt_id FROM due_again
                    )
                    THEN 'applied'
                ELSE 'no_change'
            END AS effect
        FROM given AS g
    ),

    kept AS (
        INSERT INTO motcua.receipt_readings (receipt_id, attempt_id, meaning, effect)
        SELECT
            e.receipt_id,
            e.attempt_id,
            e.meaning,
            e.effect
        FROM effects AS e
        ON CONFLICT (receipt_id) DO NOTHING
    )

    SELECT
        e.receipt_id,
        e.effect
    FROM effects AS e;
END
$$;

-- Name: asked_dossiers(text[], text); Type: FUNCTION; Schema: motcua; Owner: -

CREATE FUNCTION motcua.asked_dossiers(code_keys text[], asking_phone text) RETURNS TABLE(dossier_id bigint, agency_code text, dossier_code text, procedure_code text, accented boolean, due_at timestamp with time zone, finished_at timestamp with time zone, returned_at timestamp with time zone, step_name text, status_code smallint, is_askers boolean, as_of timestamp with time zone, status_since timestamp with time zone, told_result boolean)
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'motcua'
    AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    SELECT
        d.dossier_id,
        d.agency_code,
        d.dossier_code,
        d.procedure_code,
        g.accented,
        d.due_at,
        d.finished_at,
        d.returned_at,
        s.step_name,
        s.status_code,
        coalesce(d.msisdn = asking_phone, FALSE) AND count(*) OVER (PARTITION BY motcua.code_key(d.dossier_code)) > 1
            AS is_askers,
        CASE WHEN l.is_newer THEN greatest(d.picked_up_at, l.picked_up_at) ELSE d.picked_up_at END AS as_of,
        coalesce(
            (
                SELECT min(t.occurred_at)
                FROM motcua.transitions AS t
                WHERE
                    t.dossier_id = d.dossier_id
                    AND t.status_code = any(a.alike)
                    AND NOT EXISTS (SELECT 1 FROM motcua.old_steps AS p WHERE p.transition_id = t.transition_id)
                    AND NOT EXISTS (
                        SELECT 1
                        FROM motcua.transitions AS o
                        WHERE
                            o.dossier_id = d.dossier_id
                            AND NOT EXISTS (SELECT 1 FROM motcua.old_steps AS p WHERE p.transition_id = o.transition_id)
                            AND (o.sequence, o.from_row, o.transition_id) > (t.sequence, t.from_row, t.transition_id)
                            AND o.status_code <> all(a.alike)
                    )
            ),
            d.updated_at
        ) AS status_since,
        d.returned_at IS NULL AND coalesce(s.status_code, 0) <> 10 AND EXISTS (
            SELECT 1
            FROM motcua.messages AS m
            WHERE
                m.dossier_id = d.dossier_id
                AND m.kind = 'result'
                AND m.state IN ('accepted', 'delivered', 'unconfirmed')
        ) AS told_result
    FROM motcua.dossiers AS d
    INNER JOIN motcua.agencies AS g ON d.agency_code = g.agency_code
    LEFT JOIN LATERAL (
        SELECT
            t.to_step,
            t.status_code,
            t.picked_up_at,
            NOT (t.row_speaks AND d.status_code IS NOT NULL) AND t.recorded_at > coalesce(d.updated_at, '-infinity')
                AS is_newer
        FROM motcua.last_step(d.dossier_id, 'infinity', 9223372036854775807, 9223372036854775807) AS t
    ) AS l ON TRUE
    INNER JOIN LATERAL (
        SELECT
            CASE WHEN l.is_newer THEN coalesce(l.to_step, d.step_name) ELSE d.step_name END AS step_name,
            CASE WHEN l.is_newer THEN l.status_code ELSE d.status_code END AS status_code
    ) AS s ON TRUE
    INNER JOIN LATERAL (
        SELECT
            CASE
                WHEN s.status_code IN (5, 6, 8) THEN ARRAY[5, 6, 8]
                WHEN s.status_code IN (9, 10) THEN ARRAY[9, 10]
                ELSE ARRAY[s.status_code::integer]
            END AS alike
    ) AS a ON TRUE
    WHERE motcua.code_key(d.dossier_code) = any(code_keys)
    ORDER BY is_askers DESC, d.dossier_id
    LIMIT 1000;
END
$$;

-- Name: asked_too_often(text, text, timestamp with time zone, timestamp with time zone, integer, integer); Type: FUNCTION; Schema: motcua; Owner: -

CREATE FUNCTION motcua.asked_too_often(at_gateway text, asking_phone text, since_day timestamp with time zone, since_minute timestamp with time zone, phone_limit integer, gateway_limit integer) RETURNS TABLE(phone_is_over boolean, gateway_is_over boolean)
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'motcua'
    AS $$
BEGIN
    RETURN QUERY
    SELECT
        (
            SELECT count(*)
            FROM (
                SELECT 1
                FROM motcua.inquiries
                WHERE msisdn = asking_phone AND received_at >= since_day
                ORDER BY received_at
                LIMIT phone_limit
            ) AS by_phone
        ) >= phone_limit AS phone_is_over,
        (
            SELECT count(*)
            FROM (
                SELECT 1
                FROM motcua.inquiries
                WHERE gateway = at_gateway AND received_at >= since_minute
                ORDER BY received_at
                LIMIT gateway_limit
            ) AS by_gateway
        ) >= gateway_limit AS gateway_is_over;
END
$$;

-- Name: code_key(text); Type: FUNCTION; Schema: motcua; Owner: -

CREATE FUNCTION motcua.code_key(code text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN translate(upper((CASE WHEN (octet_length(code) = char_length(code)) THEN code ELSE translate(code, ((('àáảãạăằắẳẵặâầấẩẫậèéẻẽẹêềếểễệìíỉĩịòóỏõọôồốổỗộơờớởỡợùúủũụưừứửữựỳýỷỹỵđ'::text || 'ÀÁẢÃẠĂẰẮẲẴẶÂẦẤẨẪẬÈÉẺẼẸÊỀẾỂỄỆÌÍỈĨỊÒÓỎÕỌÔỒỐỔỖỘƠỜỚỞỠỢÙÚỦŨỤƯỪỨỬỮỰỲÝỶỸỴĐ'::text) || '‐‑‒–—−'::text) || chr(160)), (('aaaaaaaaaaaaaaaaaeeeeeeeeeeeiiiiiooooooooooooooooouuuuuuuuuuuyyyyyd'::text || 'AAAAAAAAAAAAAAAAAEEEEEEEEEEEIIIIIOOOOOOOOOOOOOOOOOUUUUUUUUUUUYYYYYD'::text) || '------'::text)) END COLLATE "C")), 'OIL _'::text, '011'::text);

-- Name: condition_of(smallint, boolean); Type: FUNCTION; Schema: motcua; Owner: -

CREATE FUNCTION motcua.condition_of(status_code smallint, at_one_stop_desk boolean) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE WHEN (NOT at_one_stop_desk) THEN NULL::text WHEN (status_code = 9) THEN 'result'::text WHEN (status_code = 5) THEN 'supplement'::text ELSE NULL::text END;

-- Name: desk_user(text, text); Type: FUNCTION; Schema: motcua; Owner: -

CREATE FUNCTION motcua.desk_user(agency_code text, actor text) RETURNS text
    LANGUAGE sql STABLE STRICT SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'motcua'
    AS $$
    SELECT 'CB-' || left(encode(
        sha256(k.key || sha256(k.key || convert_to(agency_code || chr(31) || actor, 'UTF8'))), 'hex'
    ), 8)
    FROM motcua.pseudonym_key AS k
$$;

-- Name: dossier_as_of(bigint, timestamp with time zone, bigint, bigint); Type: FUNCTION; Schema: motcua; Owner: -

CREATE FUNCTION motcua.dossier_as_of(of_dossier bigint, moment timestamp with time zone, known_version bigint, known_transition bigint) RETURNS TABLE(due_at timestamp with time zone, received_at timestamp with time zone, status_code smallint, handed_over boolean)
    LANGUAGE sql STABLE
    AS $$
    SELECT
        r.due_at,
        r.received_at,
        CASE
            WHEN t.row_speaks AND r.is_of_then AND r.status_code IS NOT NULL THEN r.status_code
            WHEN NOT r.is_of_then OR t.recorded_at > coalesce(r.updated_at, '-infinity') THEN t.status_code
            ELSE r.status_code
        END,
        coalesce(r.is_of_then AND r.returned_at <= moment AND coalesce(t.occurred_at <= r.returned_at, TRUE), FALSE)
    FROM (
        SELECT
            v.due_at,
            v.received_at,
            v.status_code,
            v.returned_at,
            v.updated_at,
            coalesce(v.updated_at, v.seen_at) <= moment AS is_of_then
        FROM motcua.dossier_versions AS v
        WHERE v.dossier_id = of_dossier AND v.version_id <= known_version
        ORDER BY
            coalesce(v.updated_at, v.seen_at) <= moment DESC,
            CASE WHEN coalesce(v.updated_at, v.seen_at) <= moment THEN v.version_id END DESC,
            v.version_id
        LIMIT 1
    ) AS r
    LEFT JOIN LATERAL motcua.last_step(of_dossier, moment, known_version, known_transition) AS t ON TRUE
$$;

-- Name: empty_counted_occasions(); Type: FUNCTION; Schema: motcua; Owner: -

CREATE FUNCTION motcua.empty_counted_occasions() RETURNS void
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'pg_catalog'
    AS $$
    TRUNCATE motcua.counted_occasions
$$;

-- Name: enforce_message_move(); Type: FUNCTION; Schema: motcua; Owner: -

CREATE FUNCTION motcua.enforce_message_move() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        IF NOT (NEW.kind = 'reply' AND NEW.state = 'accepted')
            AND NOT EXISTS (SELECT 1 FROM motcua.message_states WHERE state = NEW.state AND may_begin) THEN
            RAISE EXCEPTION 'a message may not begin as %', NEW.state USING ERRCODE = 'MC002';
        END IF;
    ELSIF NEW.state = OLD.state
        AND (NEW.state NOT IN ('queued', 'suppressed') OR NEW.purged_at IS DISTINCT FROM OLD.purged_at) THEN
        IF (NEW.msisdn, NEW.text, NEW.occasion, NEW.dossier_id, NEW.kind)
            IS DISTINCT FROM (OLD.msisdn, OLD.text, OLD.occasion, OLD.dossier_id, OLD.kind)
            -- What may be emptied, and by whom, motcua.may_only_be_emptied decides.
            AND NEW.purged_at IS NOT DISTINCT FROM OLD.purged_at THEN
            RAISE EXCEPTION 'message % is %: its number and words are fixed', OLD.message_id, OLD.state
            USING ERRCODE = 'MC002';
        END IF;
    ELSIF NOT EXISTS (
        SELECT 1 FROM motcua.message_moves
        WHERE from_state = OLD.state AND to_state = NEW.state AND coalesce(only_for = NEW.reason, only_for IS NULL)
    ) THEN
        RAISE EXCEPTION 'message % may not move from % to %', OLD.message_id, OLD.state, NEW.state
        USING ERRCODE = 'MC002';
    END IF;
    IF TG_OP = 'UPDATE' AND NEW.purged_at IS NOT DISTINCT FROM OLD.purged_at
        AND (
            (NEW.text, NEW.parameters) IS DISTINCT FROM (OLD.text, OLD.parameters)
            OR (
                NEW.msisdn IS DISTINCT FROM OLD.msisdn AND NEW.state <> 'sending'
                AND NOT EXISTS (
                    SELECT 1 FROM motcua.dossiers AS d WHERE d.dossier_id = NEW.dossier_id AND d.msisdn = NEW.msisdn
                )
            )
        ) THEN
        RAISE EXCEPTION 'message %: its words are those it was planned with, its number is its dossier''s',
            OLD.message_id USING ERRCODE = 'MC002';
    END IF;
    IF NEW.purged_at IS NOT NULL AND NEW.state IN ('queued', 'sending', 'unknown') THEN
        RAISE EXCEPTION 'message % has no number and no words any more: it may not be %', NEW.message_id, NEW.state
        USING ERRCODE = 'MC002';
    END IF;
    IF TG_OP = 'INSERT' OR NEW.state <> OLD.state THEN
        NEW.changed_at := clock_timestamp();
    END IF;
    RETURN NEW;
END
$$;

-- Name: hold_blind(bigint, text, timestamp with time zone); Type: FUNCTION; Schema: motcua; Owner: -

CREATE FUNCTION motcua.hold_blind(of_gap bigint, at_gateway text, at_moment timestamp with time zone) RETURNS bigint
    LANGUAGE sql
    SET search_path TO 'pg_catalog', 'motcua'
    AS $$
WITH theirs AS MATERIALIZED (
    SELECT m.message_id, coalesce(m.msisdn, d.msisdn) AS msisdn, m.segments, g.gap_no, g.sent_until
    FROM motcua.gaps AS g
    INNER JOIN motcua.messages AS m ON m.state = 'queued' AND g.sent_until >= m.recorded_at
    INNER JOIN motcua.dossiers AS d ON m.dossier_id = d.dossier_id
    WHERE
        g.gap_no = of_gap
        AND coalesce(m.msisdn, d.msisdn) IS NOT NULL
        AND NOT EXISTS (
            SELECT 1 FROM motcua.attempts AS a
            WHERE
                a.message_id = m.message_id
                AND (
                    a.run_id = 'gap ' || g.gap_no
                    OR (a.state IN ('in_flight', 'unknown', 'accepted', 'delivered') AND NOT a.released)
                )
        )
    ORDER BY m.message_id
    FOR UPDATE OF m
),

attempted AS (
    INSERT INTO motcua.attempts (
        message_id, gateway, reference, sender_id, run_id, msisdn, segments, started_at, state, outcome, answered_at,
        gateway_code
    )
    SELECT
        t.message_id, at_gateway, 'gap ' || t.gap_no || ' message ' || t.message_id, 0, 'gap ' || t.gap_no, t.msisdn,
        t.segments, least(t.sent_until, at_moment), 'unknown', 'unknown', at_moment, 'the journal is lost'
    FROM theirs AS t
    RETURNING message_id
),

held AS (
    UPDATE motcua.messages AS m
    SET state = 'unknown', reason = 'restored'
    FROM attempted AS a
    WHERE m.message_id = a.message_id
    RETURNING m.message_id
)

SELECT count(*) FROM held
$$;

-- Name: is_like_a_code(text); Type: FUNCTION; Schema: motcua; Owner: -

CREATE FUNCTION motcua.is_like_a_code(written text) RETURNS boolean
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN COALESCE(((written ~ '[0-9]'::text) AND (written !~ '(^|[^0-9A-Za-z])[+]?(84|0)?[ .-]?[35789]([ .-]?[0-9]){8}($|[^0-9A-Za-z])'::text) AND (written !~ '(^|[^0-9A-Za-z.-])[0-9]{12}($|[^0-9A-Za-z.-])'::text) AND (written !~ '(^| )[0-9]{9} | [0-9]{9}($| )'::text)), true);

-- Name: is_same_state(bigint, bigint, bigint, text); Type: FUNCTION; Schema: motcua; Owner: -

CREATE FUNCTION motcua.is_same_state(of_dossier bigint, earlier bigint, later bigint, of_kind text) RETURNS boolean
    LANGUAGE sql STABLE
    AS $$
    SELECT
        (e.sequence, e.from_row, e.transition_id) < (l.sequence, l.from_row, l.transition_id)
        AND NOT motcua.was_left(of_dossier, earlier, later, of_kind)
    FROM motcua.transitions AS e
    CROSS JOIN motcua.transitions AS l
    WHERE e.transition_id = earlier AND l.transition_id = later
$$;

-- Name: is_told_of(bigint, bigint, text, text[]); Type: FUNCTION; Schema: motcua; Owner: -

CREATE FUNCTION motcua.is_told_of(of_dossier bigint, entry bigint, of_kind text, in_states text[]) RETURNS boolean
    LANGUAGE sql STABLE
    AS $$
    SELECT motcua.is_same_state(of_dossier, b.transition_id, entry, of_kind)
    FROM (
        SELECT e.transition_id
        FROM motcua.transitions AS e
        WHERE
            e.dossier_id = of_dossier
            -- Its place by itself: joined, all entries would be put in order first.
            AND (e.sequence, e.from_row, e.transition_id) < (
                (SELECT l.sequence FROM motcua.transitions AS l WHERE l.transition_id = entry),
                (SELECT l.from_row FROM motcua.transitions AS l WHERE l.transition_id = entry),
                entry
            )
            -- Counted for each entry, the newest first: joined, all messages of these states might be read.
            AND 0 < (
                SELECT count(*) FROM motcua.messages AS p
                WHERE
                    p.transition_id = e.transition_id AND p.kind IN ('result', 'supplement')
                    AND p.kind = of_kind AND p.dossier_id = of_dossier AND p.state = any(in_states)
            )
        ORDER BY e.sequence DESC, e.from_row DESC, e.transition_id DESC
        LIMIT 1
    ) AS b
$$;

-- Name: keep_agency_change(); Type: FUNCTION; Schema: motcua; Owner: -

CREATE FUNCTION motcua.keep_agency_change() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'motcua'
    AS $$
BEGIN
    PERFORM motcua.note_agency_change(NEW.agency_code);
    RETURN NEW;
END
$$;

-- Name: keep_alert(); Type: FUNCTION; Schema: motcua; Owner: -

CREATE FUNCTION motcua.keep_alert() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    IF
        (OLD.name, OLD.subject, OLD.raised_at) IS DISTINCT FROM (NEW.name, NEW.subject, NEW.raised_at)
        OR (OLD.over_at IS NOT NULL AND OLD.over_at IS DISTINCT FROM NEW.over_at)
    THEN
        RAISE EXCEPTION 'alert % is kept: % refused', OLD.alert_id, TG_OP USING ERRCODE = 'MC001';
    END IF;
    RETURN NEW;
END
$$;

-- Name: keep_calendar_change(); Type: FUNCTION; Schema: motcua; Owner: -

CREATE FUNCTION motcua.keep_calendar_change() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'motcua'
    AS $$
DECLARE
    old_row jsonb := CASE WHEN TG_OP <> 'INSERT' THEN to_jsonb(OLD) END;
    new_row jsonb := CASE WHEN TG_OP <> 'DELETE' THEN to_jsonb(NEW) END;
    any_row jsonb := coalesce(new_row, old_row);
    on_day date := coalesce(any_row ->> 'day', any_row ->> 'valid_from')::date;
BEGIN
    IF old_row IS DISTINCT FROM new_row THEN
        INSERT INTO motcua.calendar_changes (changed_by, concerns, province, agency_code, year, day, before, after)
        VALUES (
            coalesce(nullif(current_setting('motcua.changed_by', TRUE), ''), session_user),
            TG_ARGV[0],
            any_row ->> 'province',
            any_row ->> 'agency_code',
            coalesce((any_row ->> 'year')::smallint, extract(YEAR FROM on_day)),
            on_day,
            old_row - 'calendar_day_id',
            new_row - 'calendar_day_id'
        );
    END IF;
    RETURN NULL;
END
$$;

-- Name: keep_change_of_agency_part(); Type: FUNCTION; Schema: motcua; Owner: -

CREATE FUNCTION motcua.keep_change_of_agency_part() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'motcua'
    AS $$
BEGIN
    IF TG_OP <> 'INSERT' THEN
        PERFORM motcua.note_agency_change(OLD.agency_code);
    END IF;
    IF TG_OP <> 'DELETE' THEN
        PERFORM motcua.note_agency_change(NEW.agency_code);
    END IF;
    RETURN NULL;
END
$$;

-- Name: keep_complaint(); Type: FUNCTION; Schema: motcua; Owner: -

CREATE FUNCTION motcua.keep_complaint() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
DECLARE
    may_change text[] := ARRAY[
        'dossier_id', 'message_id', 'outcome', 'outcome_by', 'outcome_at', 'outcome_reason',
        'withdrawn_at', 'withdrawn_by', 'withdraw_reason', 'erase_asked_at'
    ];
BEGIN
    IF TG_OP = 'UPDATE' AND NEW.purged_at IS DISTINCT FROM OLD.purged_at THEN
        -- What may be emptied, and by whom, motcua.may_only_be_emptied decides.
        RETURN NEW;
    END IF;
    IF TG_OP = 'UPDATE'
        AND to_jsonb(OLD) - may_change = to_jsonb(NEW) - may_change
        AND (
            NEW.erase_asked_at IS NOT DISTINCT FROM OLD.erase_asked_at
            OR (OLD.erase_asked_at IS NULL AND current_user = 'motcua_eraser')
        )
        AND (OLD.dossier_id IS NULL OR NEW.dossier_id IS NOT DISTINCT FROM OLD.dossier_id)
        AND (OLD.message_id IS NULL OR NEW.message_id IS NOT DISTINCT FROM OLD.message_id)
        AND (
            OLD.withdrawn_at IS NULL
            OR (
                (NEW.withdrawn_at, NEW.withdrawn_by) IS NOT DISTINCT FROM (OLD.withdrawn_at, OLD.withdrawn_by)
                AND (NEW.outcome, NEW.outcome_by, NEW.outcome_at)
                IS NOT DISTINCT FROM (OLD.outcome, OLD.outcome_by, OLD.outcome_at)
                AND NEW.withdraw_reason IS NOT DISTINCT FROM OLD.withdraw_reason
            )
        ) THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'complaint % is kept as it was recorded: % refused', OLD.complaint_id, TG_OP USING ERRCODE = 'MC001';
END
$$;

-- Name: keep_complaint_change(); Type: FUNCTION; Schema: motcua; Owner: -

CREATE FUNCTION motcua.keep_complaint_change() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'motcua'
    AS $$
DECLARE
    told text[] := ARRAY['dossier_id', 'message_id', 'outcome', 'withdrawn_at'];
    old_row jsonb := CASE WHEN TG_OP <> 'INSERT' THEN to_jsonb(OLD) END;
BEGIN
    IF old_row - 'erase_asked_at' IS DISTINCT FROM to_jsonb(NEW) - 'erase_asked_at' THEN
        INSERT INTO motcua.complaint_changes (complaint_id, changed_by, change, before, after)
        SELECT
            NEW.complaint_id,
            CASE what.change
                WHEN 'recorded' THEN NEW.recorded_by
                WHEN 'withdrawn' THEN NEW.withdrawn_by
                WHEN 'outcome' THEN coalesce(NEW.outcome_by, session_user)
                ELSE session_user
            END,
            what.change,
            (SELECT jsonb_object_agg(key, value) FROM jsonb_each(old_row) WHERE key = any(told)),
            (SELECT jsonb_object_agg(key, value) FROM jsonb_each(to_jsonb(NEW)) WHERE key = any(told))
        FROM (
            SELECT CASE
                WHEN TG_OP = 'INSERT' THEN 'recorded'
                WHEN OLD.withdrawn_at IS DISTINCT FROM NEW.withdrawn_at THEN 'withdrawn'
                WHEN (OLD.outcome, OLD.outcome_at) IS DISTINCT FROM (NEW.outcome, NEW.outcome_at) THEN 'outcome'
                WHEN (OLD.dossier_id, OLD.message_id) IS DISTINCT FROM (NEW.dossier_id, NEW.message_id) THEN 'linked'
                ELSE 'emptied'
            END AS change
        ) AS what;
    END IF;
    RETURN NULL;
END
$$;

-- Name: keep_episodes(); Type: FUNCTION; Schema: motcua; Owner: -

CREATE FUNCTION motcua.keep_episodes() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    IF EXISTS (
        SELECT 1 FROM changed AS c
        FULL JOIN was AS w ON c.finding_id = w.finding_id AND c.opened_run = w.opened_run
        WHERE
            c.finding_id IS NULL OR w.finding_id IS NULL OR w.closed_run IS NOT NULL OR c.closed_run IS NULL
            OR (c.again, c.deadline, c.department_on) IS DISTINCT FROM (w.again, w.deadline, w.department_on)
    ) OR EXISTS (
        SELECT 1 FROM motcua.quality_runs
        WHERE run_no IN (SELECT closed_run FROM changed) AND sealed_at IS NOT NULL
    ) THEN
        RAISE EXCEPTION 'an episode can only be closed, by a run that is not sealed' USING ERRCODE = 'MC001';
    END IF;
    RETURN NULL;
END
$$;

-- Name: keep_finding(); Type: FUNCTION; Schema: motcua; Owner: -

CREATE FUNCTION motcua.keep_finding() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    RAISE EXCEPTION 'what finding % is about is fixed: % refused', OLD.finding_id, TG_OP USING ERRCODE = 'MC001';
END
$$;

-- Name: keep_judgement(); Type: FUNCTION; Schema: motcua; Owner: -

CREATE FUNCTION motcua.keep_judgement() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    IF (NEW.transition_id, NEW.source_id, NEW.dossier_id, NEW.known_from, NEW.read_from, NEW.marked_at)
        IS DISTINCT FROM (OLD.transition_id, OLD.source_id, OLD.dossier_id, OLD.known_from, OLD.read_from, OLD.marked_at)
        OR (OLD.version_id IS NOT NULL
            AND (NEW.version_id, NEW.has_force) IS DISTINCT FROM (OLD.version_id, OLD.has_force)) THEN
        RAISE EXCEPTION 'old step %: what is known of it is fixed', OLD.transition_id USING ERRCODE = 'MC001';
    END IF;
    RETURN NEW;
END
$$;

-- Name: keep_message_history(); Type: FUNCTION; Schema: motcua; Owner: -

CREATE FUNCTION motcua.keep_message_history() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'motcua'
    AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO motcua.message_history (message_id, changed_at, to_state, to_reason)
        VALUES (NEW.message_id, NEW.changed_at, NEW.state, NEW.reason);
    ELSIF NEW.state <> OLD.state THEN
        INSERT INTO motcua.message_history (message_id, changed_at, from_state, from_reason, to_state, to_reason)
        VALUES (NEW.message_id, NEW.changed_at, OLD.state, OLD.reason, NEW.state, NEW.reason);
    ELSIF NEW.reason IS DISTINCT FROM OLD.reason THEN
        INSERT INTO motcua.message_history (message_id, from_state, from_reason, to_state, to_reason)
        VALUES (NEW.message_id, OLD.state, OLD.reason, NEW.state, NEW.reason);
    END IF;
    RETURN NEW;
END
$$;

-- Name: keep_page_request(); Type: FUNCTION; Schema: motcua; Owner: -

CREATE FUNCTION motcua.keep_page_request() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
DECLARE
    of_telling CONSTANT text[] := ARRAY['told_at', 'applies_at', 'told', 'untold_because'];
    of_the_end CONSTANT text[] := ARRAY['ended_at', 'ended_by', 'outcome', 'released', 'wanted'];
BEGIN
    IF TG_OP = 'UPDATE' AND OLD.ended_at IS NULL AND (
        (OLD.told_at IS NULL AND to_jsonb(OLD) - of_telling = to_jsonb(NEW) - of_telling)
        OR (
            NEW.ended_at IS NOT NULL
            AND to_jsonb(OLD) - of_the_end = to_jsonb(NEW) - of_the_end
            AND NEW.wanted = OLD.wanted - 'addresses'
        )
    ) THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'request % is kept as it was asked: % refused', OLD.request_no, TG_OP USING ERRCODE = 'MC001';
END
$$;

-- Name: keep_publication_chain(); Type: FUNCTION; Schema: motcua; Owner: -

CREATE FUNCTION motcua.keep_publication_chain() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
DECLARE
    last_no bigint;
    last_sha256 text;
BEGIN
    SELECT p.publication_no, p.manifest_sha256 INTO last_no, last_sha256
    FROM motcua.publications AS p
    ORDER BY p.publication_no DESC
    LIMIT 1;
    IF
        (NEW.publication_no, NEW.previous_sha256)
        IS DISTINCT FROM (coalesce(last_no, 0) + 1, coalesce(last_sha256, repeat('0', 64)))
    THEN
        RAISE EXCEPTION 'publication % does not follow publication %', NEW.publication_no, coalesce(last_no, 0)
        USING ERRCODE = 'MC001';
    END IF;
    RETURN NEW;
END
$$;

-- Name: keep_quality_run(); Type: FUNCTION; Schema: motcua; Owner: -

CREATE FUNCTION motcua.keep_quality_run() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND OLD.sealed_at IS NULL THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'run % is sealed: % refused', OLD.run_no, TG_OP USING ERRCODE = 'MC001';
END
$$;

-- Name: keep_refused_statement(); Type: FUNCTION; Schema: motcua; Owner: -

CREATE FUNCTION motcua.keep_refused_statement() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
DECLARE
    may_change text[] := ARRAY['set_aside_at', 'set_aside_by', 'set_aside_reason'];
BEGIN
    IF TG_OP = 'UPDATE' AND OLD.set_aside_at IS NULL AND to_jsonb(OLD) - may_change = to_jsonb(NEW) - may_change THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'refusal % is append-only: % refused', OLD.refusal_no, TG_OP USING ERRCODE = 'MC001';
END
$$;

-- Name: keep_report_mail(); Type: FUNCTION; Schema: motcua; Owner: -

CREATE FUNCTION motcua.keep_report_mail() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    IF
        OLD.state IN ('sent', 'unknown') OR (OLD.state = 'failed' AND NEW.state <> 'sending')
        OR (OLD.report, OLD.report_no, OLD.body, OLD.recipient_hash, OLD.edition)
        IS DISTINCT FROM (NEW.report, NEW.report_no, NEW.body, NEW.recipient_hash, NEW.edition)
    THEN
        RAISE EXCEPTION 'mail % is %: % refused', OLD.report_mail_id, OLD.state, TG_OP USING ERRCODE = 'MC001';
    END IF;
    RETURN NEW;
END
$$;

-- Name: keep_stop(); Type: FUNCTION; Schema: motcua; Owner: -

CREATE FUNCTION motcua.keep_stop() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
DECLARE
    may_change text[] := ARRAY['ended_at', 'ended_by'];
BEGIN
    IF TG_OP = 'UPDATE' AND OLD.ended_at IS NULL AND NEW.ended_at IS NOT NULL
        AND to_jsonb(OLD) - may_change = to_jsonb(NEW) - may_change THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'stop % is kept as it was said: % refused', OLD.stop_id, TG_OP USING ERRCODE = 'MC001';
END
$$;

-- Name: last_step(bigint, timestamp with time zone, bigint, bigint); Type: FUNCTION; Schema: motcua; Owner: -

CREATE FUNCTION motcua.last_step(of_dossier bigint, moment timestamp with time zone, known_version bigint, known_transition bigint) RETURNS TABLE(to_step text, status_code smallint, occurred_at timestamp with time zone, recorded_at timestamp with time zone, picked_up_at timestamp with time zone, row_speaks boolean)
    LANGUAGE sql STABLE
    AS $$
    SELECT t.to_step, t.status_code, t.occurred_at, t.recorded_at, t.picked_up_at, coalesce(o.row_speaks, FALSE)
    FROM (
        SELECT n.*
        FROM motcua.transitions AS n
        WHERE
            n.dossier_id = of_dossier AND n.recorded_at <= moment AND n.transition_id <= known_transition
            AND NOT EXISTS (
                SELECT 1 FROM motcua.old_steps AS s
                WHERE s.transition_id = n.transition_id AND s.known_from <= known_transition
            )
        ORDER BY n.sequence DESC, n.from_row DESC, n.transition_id DESC
        LIMIT 1
    ) AS t
    LEFT JOIN LATERAL (
        SELECT coalesce(s.version_id > known_version, TRUE) OR s.has_force AS row_speaks
        FROM motcua.old_steps AS s
        INNER JOIN motcua.transitions AS n ON s.transition_id = n.transition_id
        WHERE
            s.dossier_id = of_dossier AND s.known_from <= known_transition AND n.recorded_at <= moment
            AND (n.sequence, n.from_row, n.transition_id) > (t.sequence, t.from_row, t.transition_id)
        ORDER BY n.sequence DESC, n.from_row DESC, n.transition_id DESC
        LIMIT 1
    ) AS o ON TRUE
$$;

-- Name: look_at_counted_occasions(); Type: FUNCTION; Schema: motcua; Owner: -

CREATE FUNCTION motcua.look_at_counted_occasions() RETURNS void
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'pg_catalog'
    AS $$
    ANALYZE motcua.counted_occasions
$$;

-- Name: looks_by(interval); Type: FUNCTION; Schema: motcua; Owner: -

CREATE FUNCTION motcua.looks_by(age interval) RETURNS double precision
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE WHEN (age <= '00:10:00'::interval) THEN ((GREATEST(EXTRACT(epoch FROM age), (0)::numeric) / (60)::numeric))::double precision WHEN (age <= '10:00:00'::interval) THEN (((10)::numeric + ((10)::numeric * ln((EXTRACT(epoch FROM age) / (600)::numeric)))))::double precision ELSE (((10)::double precision + ((10)::double precision * ln((60)::double precision))) + (((EXTRACT(epoch FROM age) - (36000)::numeric) / (3600)::numeric))::double precision) END;

-- Name: map_status(text, integer, integer, text, timestamp with time zone); Type: FUNCTION; Schema: motcua; Owner: -

CREATE FUNCTION motcua.map_status(at_source text, as_written integer, stands_for integer, said_by text, at_moment timestamp with time zone) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'motcua'
    AS $$
DECLARE
    the smallint;
    stood_for smallint;
BEGIN
    IF coalesce(btrim(said_by), '') = '' THEN
        RAISE EXCEPTION 'a status is mapped by somebody' USING ERRCODE = 'check_violation';
    END IF;
    IF as_written BETWEEN 1 AND 10 AND stands_for <> as_written THEN
        RAISE EXCEPTION 'status codes 1-10 are the contract''s and are never mapped' USING ERRCODE = 'check_violation';
    END IF;
    -- Who comes second sees what the first one said.
    SELECT s.source_id INTO the FROM motcua.sources AS s WHERE s.name = at_source FOR NO KEY UPDATE;
    IF the IS NULL THEN
        RETURN FALSE;
    END IF;
    SELECT m.status_code INTO stood_for
    FROM motcua.status_maps AS m
    WHERE m.source_id = the AND m.source_status = as_written;
    IF as_written BETWEEN 1 AND 10 AND stood_for IS NULL THEN
        RAISE EXCEPTION 'status codes 1-10 are the contract''s and are never mapped' USING ERRCODE = 'check_violation';
    END IF;
    INSERT INTO motcua.status_maps (source_id, source_status, status_code, mapped_at)
    VALUES (the, as_written, stands_for, at_moment)
    ON CONFLICT (source_id, source_status)
    DO UPDATE SET status_code = excluded.status_code, mapped_at = excluded.mapped_at;
    IF stood_for IS DISTINCT FROM stands_for THEN
        INSERT INTO motcua.status_map_changes (
            source_id, source_status, status_before, status_code, changed_at, changed_by
        )
        VALUES (the, as_written, stood_for, stands_for, at_moment, said_by);
    END IF;
    RETURN TRUE;
END
$$;

-- Name: may_only_be_emptied(); Type: FUNCTION; Schema: motcua; Owner: -

CREATE FUNCTION motcua.may_only_be_emptied() RETURNS trigger
    LANGUAGE plpgsql
    AS $_$
DECLARE
    personal text[] := TG_ARGV;
    was jsonb := to_jsonb(OLD);
    becomes jsonb;
    is_emptied boolean;
    each text;
BEGIN
    IF TG_OP = 'UPDATE' AND current_user = 'motcua_eraser' THEN
        becomes := to_jsonb(NEW);
        is_emptied := EXISTS (
            SELECT 1 FROM unnest(personal) AS p (name)
            WHERE becomes -> p.name <> was -> p.name AND coalesce(becomes ->> p.name, '') !~ '^id-[a-p]{32}$'
        );
        IF was - personal - 'purged_at' = becomes - personal - 'purged_at'
            AND (NOT was ? 'purged_at' OR becomes ->> 'purged_at' IS NOT NULL OR NOT is_emptied) THEN
            FOREACH each IN ARRAY personal LOOP
                IF becomes -> each NOT IN ('null', '""') AND NOT (was -> each) @> (becomes -> each)
                    AND becomes ->> each !~ '^(PA-[0-9a-f]{8}|id-[a-p]{32})$' THEN
                    RAISE EXCEPTION '%.% may only be emptied', TG_TABLE_NAME, each USING ERRCODE = 'MC001';
                END IF;
            END LOOP;
            RETURN NEW;
        END IF;
    END IF;
    RAISE EXCEPTION '% is append-only, save that its purge empties personal data: % refused', TG_TABLE_NAME, TG_OP
    USING ERRCODE = 'MC001';
END
$_$;

-- Name: note_agency_change(text); Type: FUNCTION; Schema: motcua; Owner: -

CREATE FUNCTION motcua.note_agency_change(of_agency text) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'motcua'
    SET "TimeZone" TO 'UTC'
    SET "IntervalStyle" TO 'iso_8601'
    AS $$
DECLARE
    settings motcua.agencies;
    was jsonb;
    now_is jsonb;
BEGIN
    SELECT * INTO settings FROM motcua.agencies WHERE agency_code = of_agency FOR NO KEY UPDATE;
    -- A change from before there were these settings: they were as they are where nobody said anything.
    SELECT '{"same_day_procedures": [], "same_day_reason": null}'::jsonb || after INTO was
    FROM motcua.agency_changes
    WHERE agency_code = of_agency ORDER BY change_id DESC LIMIT 1;
    now_is := to_jsonb(settings) - ARRAY['changed_by', 'by_department', 'recipients_list'] || jsonb_build_object(
        'aliases', (
            SELECT coalesce(jsonb_agg(a.alias ORDER BY a.alias), '[]')
            FROM motcua.agency_aliases AS a WHERE a.agency_code = of_agency
        ),
        'former_names', (
            SELECT coalesce(jsonb_agg(
                jsonb_build_object('name', n.name, 'short_name', n.short_name, 'until', n.valid_until)
                ORDER BY n.valid_until
            ), '[]')
            FROM motcua.agency_names AS n WHERE n.agency_code = of_agency
        ),
        'report_recipients', jsonb_build_object(
            'addresses', cardinality(settings.report_recipients), 'list', settings.recipients_list
        )
    );
    IF now_is IS DISTINCT FROM was THEN
        INSERT INTO motcua.agency_changes (agency_code, changed_by, by_department, before, after, silences)
        VALUES (
            of_agency, settings.changed_by, settings.by_department, was, now_is, motcua.silenced_by(was, now_is)
        );
    END IF;
END
$$;

-- Name: note_phone_change(); Type: FUNCTION; Schema: motcua; Owner: -

CREATE FUNCTION motcua.note_phone_change() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'motcua'
    AS $$
BEGIN
    INSERT INTO motcua.phone_changes (dossier_id) VALUES (NEW.dossier_id);
    RETURN NULL;
END
$$;

-- Name: note_read_receipts(); Type: FUNCTION; Schema: motcua; Owner: -

CREATE FUNCTION motcua.note_read_receipts() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'motcua'
    AS $$
BEGIN
    DELETE FROM motcua.unread_receipts WHERE receipt_id IN (SELECT receipt_id FROM written);
    RETURN NULL;
END
$$;

-- Name: note_unread_receipts(); Type: FUNCTION; Schema: motcua; Owner: -

CREATE FUNCTION motcua.note_unread_receipts() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'motcua'
    AS $$
BEGIN
    INSERT INTO motcua.unread_receipts (receipt_id) SELECT receipt_id FROM written;
    RETURN NULL;
END
$$;

-- Name: number_recipients_list(); Type: FUNCTION; Schema: motcua; Owner: -

CREATE FUNCTION motcua.number_recipients_list() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        NEW.recipients_list := (NEW.report_recipients <> '{}')::integer;
    ELSE
        NEW.recipients_list := OLD.recipients_list
            + (NEW.report_recipients IS DISTINCT FROM OLD.report_recipients)::integer;
    END IF;
    RETURN NEW;
END
$$;

-- Name: occasion_holds(bigint, bigint, text); Type: FUNCTION; Schema: motcua; Owner: -

CREATE FUNCTION motcua.occasion_holds(of_dossier bigint, since_transition bigint, of_kind text) RETURNS boolean
    LANGUAGE sql STABLE
    AS $$
    SELECT s.gone IS NULL FROM motcua.occasion_standing(of_dossier, since_transition, of_kind) AS s
$$;

-- Name: occasion_standing(bigint, bigint, text); Type: FUNCTION; Schema: motcua; Owner: -

CREATE FUNCTION motcua.occasion_standing(of_dossier bigint, since_transition bigint, of_kind text) RETURNS TABLE(gone text, waits_until timestamp with time zone)
    LANGUAGE plpgsql STABLE ROWS 1
    AS $$
BEGIN
    RETURN QUERY
    SELECT
        CASE
            WHEN motcua.was_left(of_dossier, since_transition, NULL, of_kind) THEN 'taken_back'
            WHEN e.is_old AND NOT e.is_confirmed AND e.is_judged THEN 'outdated'
            -- Entered again after nothing but old steps that do not count: the later message is the one.
            WHEN EXISTS (
                SELECT 1
                FROM motcua.transitions AS s
                LEFT JOIN motcua.old_steps AS o ON s.transition_id = o.transition_id
                LEFT JOIN motcua.dossier_versions AS v ON o.version_id = v.version_id
                WHERE
                    s.dossier_id = of_dossier
                    AND (s.sequence, s.from_row, s.transition_id) > (e.sequence, e.from_row, e.transition_id)
                    AND (
                        o.transition_id IS NULL
                        OR motcua.condition_of(v.status_code, v.at_one_stop_desk) IS NOT DISTINCT FROM of_kind
                    )
                    -- Counted for each later step: joined, all messages of the dossier would be looked through.
                    AND 0 < (
                        SELECT count(*)
                        FROM motcua.messages AS n
                        WHERE
                            n.transition_id = s.transition_id AND n.kind IN ('result', 'supplement')
                            AND n.dossier_id = of_dossier AND n.kind = of_kind
                            AND n.state NOT IN ('cancelled', 'expired')
                    )
            ) THEN 'superseded'
        END,
        CASE
            WHEN e.is_old AND NOT e.is_confirmed AND NOT e.is_judged THEN 'infinity'
            ELSE (
                SELECT max(o.read_from)
                FROM motcua.old_steps AS o
                INNER JOIN motcua.transitions AS t ON o.transition_id = t.transition_id
                WHERE
                    o.dossier_id = of_dossier AND o.version_id IS NULL
                    AND (t.sequence, t.from_row, t.transition_id) > (e.sequence, e.from_row, e.transition_id)
                    AND motcua.condition_of(t.status_code, t.at_one_stop_desk) IS DISTINCT FROM of_kind
            )
        END
    FROM (
        SELECT
            f.sequence,
            f.from_row,
            f.transition_id,
            o.transition_id IS NOT NULL AS is_old,
            o.version_id IS NOT NULL AS is_judged,
            o.transition_id IS NOT NULL AND (
                coalesce(motcua.condition_of(v.status_code, v.at_one_stop_desk) = of_kind, FALSE)
                -- Or a step of the same entry that is not old, whichever of the two has the lower number.
                OR EXISTS (
                    SELECT 1
                    FROM motcua.transitions AS t
                    WHERE
                        t.dossier_id = of_dossier
                        AND motcua.condition_of(t.status_code, t.at_one_stop_desk) = of_kind
                        AND NOT EXISTS (SELECT 1 FROM motcua.old_steps AS p WHERE p.transition_id = t.transition_id)
                        AND NOT EXISTS (
                            SELECT 1
                            FROM motcua.transitions AS b
                            WHERE
                                b.dossier_id = of_dossier
                                AND (b.sequence, b.from_row, b.transition_id) > least(
                                    (f.sequence, f.from_row, f.transition_id), (t.sequence, t.from_row, t.transition_id)
                                )
                                AND (b.sequence, b.from_row, b.transition_id) < greatest(
                                    (f.sequence, f.from_row, f.transition_id), (t.sequence, t.from_row, t.transition_id)
                                )
                                AND motcua.condition_of(b.status_code, b.at_one_stop_desk) IS DISTINCT FROM of_kind
                        )
                )
            ) AS is_confirmed
        FROM motcua.transitions AS f
        LEFT JOIN motcua.old_steps AS o ON f.transition_id = o.transition_id
        LEFT JOIN motcua.dossier_versions AS v ON o.version_id = v.version_id
        WHERE f.transition_id = since_transition
    ) AS e;
END
$$;

-- Name: owner_key(text); Type: FUNCTION; Schema: motcua; Owner: -

CREATE FUNCTION motcua.owner_key(name text) RETURNS bigint
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN hashtextextended(translate(lower((name COLLATE "C")), 'ÀÁẢÃẠĂẰẮẲẴẶÂẦẤẨẪẬÈÉẺẼẸÊỀẾỂỄỆÌÍỈĨỊÒÓỎÕỌÔỒỐỔỖỘƠỜỚỞỠỢÙÚỦŨỤƯỪỨỬỮỰỲÝỶỸỴĐ'::text, 'àáảãạăằắẳẵặâầấẩẫậèéẻẽẹêềếểễệìíỉĩịòóỏõọôồốổỗộơờớởỡợùúủũụưừứửữựỳýỷỹỵđ'::text), (0)::bigint);

-- Name: provider_id(text); Type: FUNCTION; Schema: motcua; Owner: -

CREATE FUNCTION motcua.provider_id(written text) RETURNS text
    LANGUAGE sql STABLE STRICT SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'motcua'
    AS $_$
    SELECT CASE
        WHEN written ~ '^id-[a-p]{32}$' THEN written
        ELSE 'id-' || translate(
            left(
                encode(
                    sha256(k.key || sha256(k.key || convert_to('provider id' || chr(31) || written, 'UTF8'))), 'hex'
                ),
                32
            ),
            '0123456789', 'ghijklmnop'
        )
    END
    FROM motcua.pseudonym_key AS k
$_$;

-- Name: purge_personal_data(text, bigint, integer, text, text, text, text, jsonb, timestamp with time zone); Type: FUNCTION; Schema: motcua; Owner: -

CREATE FUNCTION motcua.purge_personal_data(of_kind text, after_id bigint, at_most integer, under_reference text, for_cause text, by_whom text, with_reason text DEFAULT NULL::text, only_these jsonb DEFAULT NULL::jsonb, listed_at timestamp with time zone DEFAULT NULL::timestamp with time zone) RETURNS TABLE(looked_until bigint, emptied integer, listed jsonb)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog'
    AS $_$
DECLARE
    moment timestamptz := clock_timestamp();
    of_before timestamptz := moment - interval '90 days';
    today date := (moment AT TIME ZONE 'Asia/Ho_Chi_Minh')::date;
    ids bigint[];
    busy bigint[];
    counts jsonb := '{}';
    counted bigint;
BEGIN
    IF at_most NOT BETWEEN 1 AND 20000 OR NOT (
        CASE for_cause
            WHEN 'term' THEN only_these IS NULL
            WHEN 'request' THEN only_these IS NOT NULL AND of_kind <> 'receipts'
            WHEN 'restore' THEN
                (only_these IS NULL OR of_kind <> 'receipts') AND (only_these IS NOT NULL OR of_kind <> 'dossiers')
            ELSE FALSE
        END
    ) THEN
        RAISE EXCEPTION 'purge of % for %: not this', of_kind, for_cause USING ERRCODE = 'MC003';
    END IF;
    listed := '[]';
    IF of_kind = 'dossiers' THEN
        IF for_cause = 'term' THEN
            SELECT max(l.dossier_id), array_agg(l.dossier_id) INTO looked_until, ids
            FROM (
                SELECT d.dossier_id FROM motcua.dossiers AS d
                WHERE d.purged_at IS NULL AND d.dossier_id > after_id
                ORDER BY d.dossier_id
                LIMIT at_most
            ) AS l;
            SELECT array_agg(t.dossier_id) INTO ids
            FROM motcua.dossier_terms AS t
            WHERE t.dossier_id = any(ids) AND t.kept_until < moment AND NOT t.may_be_told AND NOT t.is_complained_of;
        ELSE
            SELECT array_agg(t.dossier_id) INTO ids
            FROM jsonb_array_elements(only_these) AS k (dossier)
            INNER JOIN motcua.dossier_terms AS t
                ON t.agency_code = k.dossier ->> 0 AND t.dossier_code = k.dossier ->> 1
            WHERE
                NOT t.may_be_told
                AND (
                    (t.ended_at < moment AND (for_cause = 'restore' OR NOT t.is_complained_of))
                    -- As it was restored it may not have ended yet; read again since, it may go on.
                    OR (for_cause = 'restore' AND t.picked_up_at < listed_at)
                );
        END IF;
        SELECT array_agg(l.dossier_id) INTO ids
        FROM (
            SELECT d.dossier_id FROM motcua.dossiers AS d
            WHERE d.dossier_id = any(ids)
            ORDER BY d.dossier_id
            FOR UPDATE SKIP LOCKED
        ) AS l;
        -- Locked, it stays as it is: what was planned or complained of meanwhile is seen now.
        SELECT array_agg(t.dossier_id) INTO busy FROM motcua.dossier_terms AS t
        WHERE t.dossier_id = any(ids) AND (t.may_be_told OR (t.is_complained_of AND for_cause <> 'restore'));
        ids := coalesce(array(SELECT unnest(ids) EXCEPT SELECT unnest(busy)), '{}');
        SELECT coalesce(jsonb_agg(jsonb_build_array(d.agency_code, d.dossier_code) ORDER BY d.dossier_id), '[]')
        INTO listed
        FROM motcua.dossiers AS d WHERE d.dossier_id = any(ids);

        UPDATE motcua.messages SET msisdn = NULL, text = '', parameters = '{}', purged_at = moment
        WHERE dossier_id = any(ids) AND purged_at IS NULL;
        GET DIAGNOSTICS counted = ROW_COUNT;
        counts := counts || jsonb_build_object('messages', counted);
        UPDATE motcua.attempts AS a SET msisdn = NULL, gateway_reference = NULL, purged_at = moment
        FROM motcua.messages AS m
        WHERE m.dossier_id = any(ids) AND a.message_id = m.message_id AND a.purged_at IS NULL;
        GET DIAGNOSTICS counted = ROW_COUNT;
        counts := counts || jsonb_build_object('attempts', counted);
        UPDATE motcua.dossier_versions SET applicant_phone = NULL, purged_at = moment
        WHERE dossier_id = any(ids) AND applicant_phone IS NOT NULL;
        GET DIAGNOSTICS counted = ROW_COUNT;
        counts := counts || jsonb_build_object('dossier_versions', counted);
        UPDATE motcua.transitions SET note = NULL, actor = NULL
        WHERE dossier_id = any(ids) AND num_nonnulls(note, actor) > 0;
        GET DIAGNOSTICS counted = ROW_COUNT;
        counts := counts || jsonb_build_object('transitions', counted);
        UPDATE motcua.complaints SET note = NULL, outcome_reason = NULL, withdraw_reason = NULL, purged_at = moment
        WHERE dossier_id = any(ids) AND num_nonnulls(note, outcome_reason, withdraw_reason) > 0;
        GET DIAGNOSTICS counted = ROW_COUNT;
        counts := counts || jsonb_build_object('complaints', counted);
        IF for_cause <> 'term' THEN
            -- These have a term of their own, which is not waited for.
            UPDATE motcua.inquiries SET
                msisdn = NULL, text = NULL, asked_code = NULL, gateway_message_id = NULL, dedupe_key = NULL,
                purged_at = moment
            WHERE
                purged_at IS NULL
                AND message_id IN (
                    SELECT m.message_id FROM motcua.messages AS m
                    WHERE m.dossier_id = any(ids) AND m.kind = 'reply'
                );
            GET DIAGNOSTICS counted = ROW_COUNT;
            counts := counts || jsonb_build_object('inquiries', counted);
        END IF;
        -- What was pushed of them, or it would be read again.
        UPDATE intake.pushed_dossiers AS p SET fields = '{}', purged_at = moment
        FROM motcua.dossiers AS d
        WHERE
            d.dossier_id = any(ids) AND p.agency_code = d.agency_code AND p.dossier_code = d.dossier_code
            AND p.purged_at IS NULL;
        GET DIAGNOSTICS counted = ROW_COUNT;
        counts := counts || jsonb_build_object('pushed_dossiers', counted);
        UPDATE intake.pushed_steps AS p SET fields = '{}', purged_at = moment
        FROM motcua.dossiers AS d
        WHERE
            d.dossier_id = any(ids) AND p.agency_code = d.agency_code AND p.dossier_code = d.dossier_code
            AND p.purged_at IS NULL;
        GET DIAGNOSTICS counted = ROW_COUNT;
        counts := counts || jsonb_build_object('pushed_steps', counted);
        UPDATE motcua.dossiers SET applicant_name = NULL, applicant_phone = NULL, msisdn = NULL, purged_at = moment
        WHERE dossier_id = any(ids) AND purged_at IS NULL;
        GET DIAGNOSTICS counted = ROW_COUNT;
        counts := counts || jsonb_build_object('dossiers', counted);
        IF for_cause <> 'term' THEN
            -- What waits for something goes as soon as it ends.
            UPDATE motcua.dossiers AS d SET erase_asked_at = coalesce(listed_at, moment)
            FROM jsonb_array_elements(only_these) AS k (dossier)
            INNER JOIN motcua.dossier_terms AS t
                ON t.agency_code = k.dossier ->> 0 AND t.dossier_code = k.dossier ->> 1
            WHERE
                d.dossier_id = t.dossier_id AND d.purged_at IS NULL AND d.erase_asked_at IS NULL
                AND (for_cause = 'request' OR t.ended_at < moment OR t.picked_up_at < listed_at);
        END IF;

    ELSIF of_kind = 'inquiries' THEN
        IF only_these IS NULL THEN
            -- Numbers grow as time does, give or take a day: nothing older follows.
            SELECT
                CASE WHEN min(l.received_at) < of_before + interval '7 days' THEN max(l.inquiry_id) END,
                array_agg(l.inquiry_id) FILTER (WHERE l.received_at < of_before)
            INTO looked_until, ids
            FROM (
                SELECT i.inquiry_id, i.received_at FROM motcua.inquiries AS i
                WHERE i.purged_at IS NULL AND i.inquiry_id > after_id
                ORDER BY i.inquiry_id
                LIMIT at_most
            ) AS l;
        ELSE
            SELECT
                array_agg(f.inquiry_id), coalesce(jsonb_agg(jsonb_build_array(f.gateway, f.inquiry_id::text)), '[]')
            INTO ids, listed
            FROM jsonb_array_elements(only_these) AS k (inquiry)
            CROSS JOIN LATERAL (
                SELECT i.inquiry_id, i.gateway, i.received_at FROM motcua.inquiries AS i
                WHERE
                    i.gateway = k.inquiry ->> 0
                    AND i.inquiry_id = CASE
                        WHEN k.inquiry ->> 1 ~ '^[0-9]{1,18}$' THEN (k.inquiry ->> 1)::bigint
                    END
                UNION ALL
                -- Lists of before have what tells repeats.
                SELECT i.inquiry_id, i.gateway, i.received_at FROM motcua.inquiries AS i
                WHERE
                    i.gateway = k.inquiry ->> 0
                    AND i.dedupe_key IN (k.inquiry ->> 1, motcua.provider_id(k.inquiry ->> 1))
            ) AS f
            WHERE for_cause = 'request' OR f.received_at < listed_at;
        END IF;
        UPDATE motcua.messages SET msisdn = NULL, text = '', parameters = '{}', purged_at = moment
        WHERE
            message_id IN (SELECT i.message_id FROM motcua.inquiries AS i WHERE i.inquiry_id = any(ids))
            AND purged_at IS NULL;
        GET DIAGNOSTICS counted = ROW_COUNT;
        counts := counts || jsonb_build_object('messages', counted);
        UPDATE motcua.inquiries SET
            msisdn = NULL, text = NULL, asked_code = NULL, gateway_message_id = NULL, dedupe_key = NULL,
            purged_at = moment
        WHERE inquiry_id = any(ids) AND purged_at IS NULL;
        GET DIAGNOSTICS counted = ROW_COUNT;
        counts := counts || jsonb_build_object('inquiries', counted);
        IF only_these IS NULL THEN
            -- Providers' ids as versions of before kept them, whatever is due.
            UPDATE motcua.inquiries SET
                gateway_message_id = CASE WHEN purged_at IS NULL THEN motcua.provider_id(gateway_message_id) END,
                dedupe_key = CASE
                    WHEN dedupe_key ~ '^[0-9a-f]{64}$' THEN motcua.provider_id(dedupe_key) ELSE dedupe_key
                END
            WHERE inquiry_id IN (
                SELECT i.inquiry_id FROM motcua.inquiries AS i
                WHERE i.gateway_message_id !~ '^id-[a-p]{32}$' OR i.dedupe_key ~ '^[0-9a-f]{64}$'
                ORDER BY i.inquiry_id
                LIMIT at_most
            );
            looked_until := CASE WHEN FOUND THEN coalesce(looked_until, after_id) ELSE looked_until END;
        END IF;

    ELSIF of_kind = 'receipts' THEN
        SELECT
            CASE WHEN min(l.received_at) < of_before + interval '7 days' THEN max(l.receipt_id) END,
            array_agg(l.receipt_id) FILTER (WHERE l.received_at < of_before)
        INTO looked_until, ids
        FROM (
            SELECT r.receipt_id, r.received_at FROM motcua.receipts AS r
            WHERE r.purged_at IS NULL AND r.receipt_id > after_id
            ORDER BY r.receipt_id
            LIMIT at_most
        ) AS l;
        UPDATE motcua.receipts SET raw = '{}', purged_at = moment WHERE receipt_id = any(ids) AND purged_at IS NULL;
        GET DIAGNOSTICS counted = ROW_COUNT;
        counts := counts || jsonb_build_object('receipts', counted);

    ELSIF of_kind = 'quarantine' THEN
        IF only_these IS NULL THEN
            SELECT max(l.quarantine_id), array_agg(l.quarantine_id) FILTER (WHERE l.last_seen_at < of_before)
            INTO looked_until, ids
            FROM (
                SELECT q.quarantine_id, q.last_seen_at FROM motcua.quarantine AS q
                WHERE q.purged_at IS NULL AND q.quarantine_id > after_id
                ORDER BY q.quarantine_id
                LIMIT at_most
            ) AS l;
        ELSE
            -- Read again since it was listed, it holds what was not erased.
            of_before := coalesce(listed_at, 'infinity');
            SELECT
                array_agg(q.quarantine_id),
                coalesce(jsonb_agg(jsonb_build_array(q.source_id::text, q.quarantine_id::text)), '[]')
            INTO ids, listed
            FROM jsonb_array_elements(only_these) AS k (quarantined)
            INNER JOIN motcua.quarantine AS q
                ON
                    q.source_id::text = k.quarantined ->> 0
                    AND q.quarantine_id = CASE
                        WHEN k.quarantined ->> 1 ~ '^[0-9]{1,18}$' THEN (k.quarantined ->> 1)::bigint
                    END
            WHERE q.purged_at IS NULL AND q.last_seen_at < of_before;
        END IF;
        -- What the row is found by at its source is kept: it may still heal. A code that is none may be anything.
        UPDATE motcua.quarantine AS q SET
            payload = q.payload - ARRAY['note', 'actor', 'from_step', 'to_step']
            - CASE WHEN motcua.is_like_a_code(q.dossier_code) THEN '{}' ELSE ARRAY['dossier_code'] END,
            dossier_code = CASE WHEN motcua.is_like_a_code(q.dossier_code) THEN q.dossier_code END,
            purged_at = moment
        WHERE q.quarantine_id = any(ids) AND q.last_seen_at < of_before;
        GET DIAGNOSTICS counted = ROW_COUNT;
        counts := counts || jsonb_build_object('quarantine', counted);

    ELSIF of_kind = 'complaints' THEN
        -- Those of no dossier, and what was written about one whose time is over. Alike complaints of one day go
        -- together, so that one still repeats the other.
        IF only_these IS NULL THEN
            SELECT max(l.complaint_id), array_agg(l.complaint_id) FILTER (WHERE l.is_due)
            INTO looked_until, ids
            FROM (
                SELECT
                    c.complaint_id,
                    (c.outcome <> 'open' OR c.withdrawn_at IS NOT NULL)
                    AND (
                        c.erase_asked_at IS NOT NULL
                        OR (c.received_at AT TIME ZONE 'Asia/Ho_Chi_Minh')::date + g.retention < today
                    )
                    AND (c.dossier_id IS NULL OR d.purged_at IS NOT NULL)
                    AND NOT EXISTS (
                        SELECT 1 FROM motcua.complaints AS o
                        WHERE
                            c.dossier_id IS NULL AND o.dossier_id IS NULL
                            AND o.outcome = 'open' AND o.withdrawn_at IS NULL
                            AND o.agency_code = c.agency_code
                            AND motcua.code_key(o.dossier_code) = motcua.code_key(c.dossier_code)
                    ) AS is_due
                FROM motcua.complaints AS c
                INNER JOIN motcua.agencies AS g ON c.agency_code = g.agency_code
                LEFT JOIN motcua.dossiers AS d ON c.dossier_id = d.dossier_id
                WHERE
                    c.complaint_id > after_id
                    AND (
                        num_nonnulls(c.note, c.outcome_reason, c.withdraw_reason) > 0
                        OR (c.dossier_id IS NULL AND NOT motcua.is_like_a_code(c.dossier_code))
                    )
                ORDER BY c.complaint_id
                LIMIT at_most
            ) AS l;
        ELSE
            -- Those of a dossier go with it.
            SELECT array_agg(c.complaint_id) INTO ids
            FROM jsonb_array_elements(only_these) AS k (complaint)
            INNER JOIN motcua.complaints AS c
                ON
                    c.agency_code = k.complaint ->> 0
                    AND c.complaint_id = CASE
                        WHEN k.complaint ->> 1 ~ '^[0-9]{1,18}$' THEN (k.complaint ->> 1)::bigint
                    END
            WHERE
                c.dossier_id IS NULL
                AND (for_cause = 'request' OR c.recorded_at < listed_at)
                AND (
                    num_nonnulls(c.note, c.outcome_reason, c.withdraw_reason) > 0
                    OR NOT motcua.is_like_a_code(c.dossier_code)
                );
            IF for_cause = 'request' THEN
                -- One that nobody settled keeps those alike; they go as soon as it is.
                SELECT array_agg(c.complaint_id) INTO busy
                FROM motcua.complaints AS c
                WHERE
                    c.complaint_id = any(ids)
                    AND EXISTS (
                        SELECT 1 FROM motcua.complaints AS o
                        WHERE
                            o.dossier_id IS NULL AND o.outcome = 'open' AND o.withdrawn_at IS NULL
                            AND o.agency_code = c.agency_code
                            AND motcua.code_key(o.dossier_code) = motcua.code_key(c.dossier_code)
                    );
                UPDATE motcua.complaints SET erase_asked_at = moment
                WHERE complaint_id = any(busy) AND erase_asked_at IS NULL;
                ids := array(SELECT unnest(ids) EXCEPT SELECT unnest(busy));
            END IF;
            SELECT coalesce(jsonb_agg(jsonb_build_array(c.agency_code, c.complaint_id::text)), '[]') INTO listed
            FROM motcua.complaints AS c WHERE c.complaint_id = any(ids);
        END IF;
        UPDATE motcua.complaints AS c SET
            note = NULL,
            outcome_reason = NULL,
            withdraw_reason = NULL,
            dossier_code = CASE
                WHEN c.dossier_id IS NOT NULL OR motcua.is_like_a_code(c.dossier_code) THEN c.dossier_code
                ELSE 'PA-' || right(motcua.desk_user(c.agency_code, motcua.code_key(c.dossier_code)), 8)
            END,
            purged_at = moment
        WHERE c.complaint_id = any(ids);
        GET DIAGNOSTICS counted = ROW_COUNT;
        counts := counts || jsonb_build_object('complaints', counted);
    ELSIF of_kind = 'pushed_dossiers' AND only_these IS NULL THEN
        -- Those of a dossier go with it; these are of none, or of one that was emptied before they came.
        SELECT max(l.dossier_no), array_agg(l.dossier_no) FILTER (WHERE l.is_due)
        INTO looked_until, ids
        FROM (
            SELECT
                p.dossier_no,
                p.updated_at < of_before AND NOT EXISTS (
                    SELECT 1 FROM motcua.dossiers AS d
                    WHERE
                        d.agency_code = p.agency_code AND d.dossier_code = normalize(btrim(p.dossier_code))
                        AND d.purged_at IS NULL
                ) AS is_due
            FROM intake.pushed_dossiers AS p
            WHERE p.purged_at IS NULL AND p.dossier_no > after_id
            ORDER BY p.dossier_no
            LIMIT at_most
        ) AS l;
        UPDATE intake.pushed_dossiers SET fields = '{}', purged_at = moment
        WHERE dossier_no = any(ids) AND purged_at IS NULL;
        GET DIAGNOSTICS counted = ROW_COUNT;
        counts := counts || jsonb_build_object('pushed_dossiers', counted);

    ELSIF of_kind = 'pushed_steps' AND only_these IS NULL THEN
        SELECT max(l.step_no), array_agg(l.step_no) FILTER (WHERE l.is_due)
        INTO looked_until, ids
        FROM (
            SELECT
                p.step_no,
                p.recorded_at < of_before AND NOT EXISTS (
                    SELECT 1 FROM motcua.dossiers AS d
                    WHERE
                        d.agency_code = p.agency_code AND d.dossier_code = normalize(btrim(p.dossier_code))
                        AND d.purged_at IS NULL
                ) AS is_due
            FROM intake.pushed_steps AS p
            WHERE p.purged_at IS NULL AND p.step_no > after_id
            ORDER BY p.step_no
            LIMIT at_most
        ) AS l;
        UPDATE intake.pushed_steps SET fields = '{}', purged_at = moment
        WHERE step_no = any(ids) AND purged_at IS NULL;
        GET DIAGNOSTICS counted = ROW_COUNT;
        counts := counts || jsonb_build_object('pushed_steps', counted);
    ELSE
        RAISE EXCEPTION 'purge of %: there is no such kind', of_kind USING ERRCODE = 'MC003';
    END IF;

    INSERT INTO motcua.personal_data_purges (reference, purged_at, cause, of_table, emptied, purged_by, reason)
    SELECT under_reference, moment, for_cause, c.key, c.value::integer, by_whom, with_reason
    FROM jsonb_each_text(counts) AS c
    WHERE c.value <> '0' OR (for_cause = 'restore' AND c.key = of_kind);
    SELECT coalesce(sum(c.value::integer), 0) INTO emptied FROM jsonb_each_text(counts) AS c;
    RETURN NEXT;
END
$_$;

-- Name: refuse_change(); Type: FUNCTION; Schema: motcua; Owner: -

CREATE FUNCTION motcua.refuse_change() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    RAISE EXCEPTION '% is append-only: % refused', TG_TABLE_NAME, TG_OP USING ERRCODE = 'MC001';
END
$$;

-- Name: refuse_late_episodes(); Type: FUNCTION; Schema: motcua; Owner: -

CREATE FUNCTION motcua.refuse_late_episodes() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    IF EXISTS (
        SELECT 1 FROM motcua.quality_runs
        WHERE run_no IN (SELECT opened_run FROM added) AND sealed_at IS NOT NULL
    ) THEN
        RAISE EXCEPTION 'the run is sealed: % of % refused', TG_OP, TG_TABLE_NAME USING ERRCODE = 'MC001';
    END IF;
    RETURN NULL;
END
$$;

-- Name: refuse_late_rows(); Type: FUNCTION; Schema: motcua; Owner: -

CREATE FUNCTION motcua.refuse_late_rows() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    IF EXISTS (
        SELECT 1 FROM motcua.quality_runs
        WHERE run_no IN (SELECT (to_jsonb(a) ->> TG_ARGV[0])::bigint FROM added AS a) AND sealed_at IS NOT NULL
    ) THEN
        RAISE EXCEPTION 'the run is sealed: % of % refused', TG_OP, TG_TABLE_NAME USING ERRCODE = 'MC001';
    END IF;
    RETURN NULL;
END
$$;

-- Name: release_messages(text, text, timestamp with time zone, bigint[], text, timestamp with time zone, timestamp with time zone); Type: FUNCTION; Schema: motcua; Owner: -

CREATE FUNCTION motcua.release_messages(let_go_by text, because text, at_moment timestamp with time zone, of_messages bigint[], at_gateway text, recorded_from timestamp with time zone, recorded_until timestamp with time zone) RETURNS TABLE(message_id bigint)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'motcua'
    AS $$
#variable_conflict use_column
BEGIN
    IF coalesce(btrim(let_go_by), '') = '' OR coalesce(btrim(because), '') = '' THEN
        RAISE EXCEPTION 'a release needs who does it and why' USING ERRCODE = 'check_violation';
    END IF;
    RETURN QUERY
    WITH held AS MATERIALIZED (
        SELECT m.message_id, a.attempt_id
        FROM motcua.messages AS m
        INNER JOIN motcua.attempts AS a ON m.message_id = a.message_id
        WHERE
            m.state = 'unknown'
            AND a.state = 'unknown'
            AND NOT a.released
            AND m.useful_until > at_moment
            -- What a receipt that waits to be read may settle.
            AND NOT EXISTS (
                SELECT 1
                FROM motcua.unread_receipts AS u
                INNER JOIN motcua.receipts AS r ON u.receipt_id = r.receipt_id
                WHERE r.gateway = a.gateway AND r.reference = a.reference
            )
            AND (of_messages IS NULL OR m.message_id = any(of_messages))
            AND (at_gateway IS NULL OR a.gateway = at_gateway)
            AND (recorded_from IS NULL OR (m.recorded_at >= recorded_from AND m.recorded_at < recorded_until))
        ORDER BY m.message_id
        FOR UPDATE OF m SKIP LOCKED
    ),

    let_go AS (
        UPDATE motcua.attempts AS a
        SET released = TRUE
        FROM held AS h
        WHERE a.attempt_id = h.attempt_id
        RETURNING a.attempt_id
    ),

    kept AS (
        INSERT INTO motcua.releases (message_id, attempt_id, released_at, released_by, reason)
        SELECT h.message_id, h.attempt_id, at_moment, let_go_by, because
        FROM held AS h
        INNER JOIN let_go AS l ON h.attempt_id = l.attempt_id
        RETURNING message_id
    )

    UPDATE motcua.messages AS m
    SET state = 'queued', reason = 'released', next_attempt_at = at_moment, avoid = '{}'
    FROM kept AS k
    WHERE m.message_id = k.message_id
    RETURNING m.message_id;
END
$$;

-- Name: reply_given(text, text); Type: FUNCTION; Schema: motcua; Owner: -

CREATE FUNCTION motcua.reply_given(at_gateway text, key_of_inquiry text) RETURNS TABLE(text text, accented boolean, outcome text)
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'motcua'
    AS $$
BEGIN
    RETURN QUERY
    SELECT m.text, m.accented, i.outcome
    FROM motcua.inquiries AS i
    INNER JOIN motcua.messages AS m ON i.message_id = m.message_id
    WHERE i.gateway = at_gateway AND i.dedupe_key IN (motcua.provider_id(key_of_inquiry), key_of_inquiry);
END
$$;

-- Name: save_inquiry(jsonb); Type: FUNCTION; Schema: motcua; Owner: -

CREATE FUNCTION motcua.save_inquiry(inquiry jsonb) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'motcua'
    AS $$
DECLARE
    asked record;
    of_reply bigint;
BEGIN
    SELECT r.* INTO STRICT asked
    FROM jsonb_to_record(inquiry) AS r (
        gateway text, gateway_message_id text, dedupe_key text, received_at timestamptz, phone text, text text,
        asked_code text, outcome text, fee integer, dossier_id bigint, agency_code text, procedure_code text,
        as_of timestamptz, told_result boolean, occasion text, reply text, template_id text, template_version smallint,
        parameters text[], accented boolean, segments smallint
    );
    BEGIN
        INSERT INTO motcua.messages (
            kind, dossier_id, agency_code, procedure_code, occasion, state, msisdn, text, template_id,
            template_version, parameters, accented, segments, occurred_at, recorded_at, planned_at, useful_until,
            next_attempt_at, accepted_at, changed_at
        )
        VALUES (
            'reply', asked.dossier_id, asked.agency_code, asked.procedure_code, asked.occasion, 'accepted',
            asked.phone, asked.reply, asked.template_id, asked.template_version, asked.parameters, asked.accented,
            asked.segments, asked.received_at, asked.received_at, asked.received_at, asked.received_at,
            asked.received_at, asked.received_at, asked.received_at
        )
        RETURNING message_id INTO of_reply;
        INSERT INTO motcua.inquiries (
            gateway, gateway_message_id, dedupe_key, received_at, msisdn, text, asked_code, outcome, dossier_id,
            agency_code, as_of, told_result, fee, message_id
        )
        VALUES (
            asked.gateway, motcua.provider_id(left(asked.gateway_message_id, 200)),
            motcua.provider_id(asked.dedupe_key), asked.received_at, asked.phone,
            left(asked.text, 1000), left(asked.asked_code, 80), asked.outcome, asked.dossier_id, asked.agency_code,
            asked.as_of, asked.told_result, asked.fee, of_reply
        )
        ON CONFLICT (gateway, dedupe_key) DO NOTHING;
        -- Or one of before, whose key is not replaced yet.
        IF NOT FOUND OR EXISTS (
            SELECT 1 FROM motcua.inquiries AS i WHERE i.gateway = asked.gateway AND i.dedupe_key = asked.dedupe_key
        ) THEN
            -- Takes the second reply back.
            RAISE EXCEPTION 'the inquiry is there already' USING ERRCODE = 'MC009';
        END IF;
    EXCEPTION
        WHEN SQLSTATE 'MC009' THEN
            RETURN FALSE;
    END;
    RETURN TRUE;
END
$$;

-- Name: save_page_request(text, jsonb, text); Type: FUNCTION; Schema: motcua; Owner: -

CREATE FUNCTION motcua.save_page_request(of_kind text, given jsonb, said_by text) RETURNS TABLE(request_no bigint, became text)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'motcua'
    AS $$
#variable_conflict use_column
DECLARE
    about text;
    is_known boolean := TRUE;
    the jsonb;
    stood_for smallint;
    written CONSTANT integer := given ->> 'written';
    stands_for CONSTANT integer := given ->> 'stands_for';
    done timestamptz;
BEGIN
    CASE of_kind
        WHEN 'map_status' THEN
            -- Who comes second sees what the first one said.
            PERFORM 1 FROM motcua.sources AS s WHERE s.name = given ->> 'source' FOR UPDATE;
            is_known := FOUND;
            SELECT m.status_code INTO stood_for
            FROM motcua.status_maps AS m
            INNER JOIN motcua.sources AS s ON m.source_id = s.source_id
            WHERE s.name = given ->> 'source' AND m.source_status = written;
            IF
                written IS NULL OR stands_for IS NULL OR stands_for NOT BETWEEN 1 AND 10
                OR (written BETWEEN 1 AND 10 AND (stood_for IS NULL OR stands_for <> written))
            THEN
                RAISE EXCEPTION 'status codes 1-10 are the contract''s and are never mapped'
                    USING ERRCODE = 'check_violation';
            END IF;
            about := format('%s %s', given ->> 'source', written);
            the := jsonb_build_object(
                'source', given ->> 'source', 'written', written, 'stands_for', stands_for, 'stood_for', stood_for
            );
            -- To say the same once more changes nothing.
            IF stands_for NOT IN (5, 9) AND coalesce(stood_for, 0) NOT IN (5, 9) OR stands_for = stood_for THEN
                done := now();
            END IF;
        WHEN 'release' THEN
            IF coalesce(btrim(given ->> 'reason'), '') = '' OR length(given ->> 'reason') > 500 THEN
                RAISE EXCEPTION 'a release needs why, in 500 letters at most' USING ERRCODE = 'check_violation';
            END IF;
            the := jsonb_build_object(
                'reason', btrim(given ->> 'reason'),
                'messages', (
                    SELECT jsonb_agg(DISTINCT e.value::bigint) FROM jsonb_array_elements_text(given -> 'messages') AS e
                )
            );
            IF jsonb_typeof(the -> 'messages') = 'null' OR jsonb_array_length(the -> 'messages') > 1000 THEN
                RAISE EXCEPTION 'a release names messages, 1000 at most' USING ERRCODE = 'check_violation';
            END IF;
        WHEN 'recipients' THEN
            about := given ->> 'agency';
            SELECT jsonb_build_object(
                'agency', g.agency_code,
                'list', g.recipients_list,
                'addresses', (
                    SELECT coalesce(jsonb_agg(e.value ORDER BY e.ordinality), '[]')
                    FROM jsonb_array_elements_text(given -> 'addresses') WITH ORDINALITY AS e
                )
            ) INTO the
            FROM motcua.agencies AS g WHERE g.agency_code = about;
            is_known := FOUND;
        WHEN 'export_form' THEN
            about := given ->> 'source';
            SELECT jsonb_build_object(
                'source', c.source,
                'form', given -> 'form',
                'seen', (SELECT max(f.form_no) FROM intake.export_forms AS f WHERE f.client_id = c.client_id)
            ) INTO the
            FROM intake.clients AS c WHERE c.name = about AND c.source = about;
            is_known := FOUND;
            IF is_known AND jsonb_typeof(the -> 'form') <> 'object' THEN
                RAISE EXCEPTION 'a form is a record' USING ERRCODE = 'check_violation';
            END IF;
        ELSE
            RAISE EXCEPTION 'no page asks for this' USING ERRCODE = 'check_violation';
    END CASE;
    IF NOT is_known THEN
        RETURN QUERY SELECT NULL::bigint, 'unknown';
        RETURN;
    END IF;
    IF done IS NOT NULL THEN
        PERFORM motcua.map_status(given ->> 'source', written, stands_for, said_by, done);
    END IF;
    RETURN QUERY
    INSERT INTO motcua.page_requests AS r (kind, subject, wanted, asked_by, ended_at, outcome)
    VALUES (of_kind, about, the, btrim(said_by), done, CASE WHEN done IS NOT NULL THEN 'done' END)
    ON CONFLICT (kind, subject) WHERE ended_at IS NULL DO NOTHING
    RETURNING r.request_no, CASE WHEN done IS NULL THEN 'waits' ELSE 'done' END;
    IF NOT FOUND THEN
        RETURN QUERY SELECT NULL::bigint, 'asked_before';
    END IF;
END
$$;

-- Name: set_agency_settings(text, bigint, jsonb, text); Type: FUNCTION; Schema: motcua; Owner: -

CREATE FUNCTION motcua.set_agency_settings(of_agency text, seen bigint, wanted jsonb, set_by text) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'motcua'
    AS $$
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

-- Name: silenced_by(jsonb, jsonb); Type: FUNCTION; Schema: motcua; Owner: -

CREATE FUNCTION motcua.silenced_by(before jsonb, after jsonb) RETURNS text[]
    LANGUAGE sql STABLE
    AS $$
    SELECT array_remove(ARRAY[
        CASE WHEN EXISTS (
            SELECT jsonb_array_elements_text(after -> 'kinds_off')
            EXCEPT
            SELECT jsonb_array_elements_text(before -> 'kinds_off')
        ) THEN 'kinds_off' END,
        CASE WHEN s.told AND (after ->> 'same_day_excluded')::boolean AND (
            NOT (before ->> 'same_day_excluded')::boolean
            OR (s.left_out_before <> '[]' AND (s.left_out_after = '[]' OR NOT s.left_out_before @> s.left_out_after))
        ) THEN 'same_day_excluded' END,
        CASE WHEN s.told AND coalesce((after ->> 'enabled_from')::timestamptz, 'infinity')
            > (before ->> 'enabled_from')::timestamptz THEN 'enabled_from' END,
        CASE WHEN s.told AND s.end_after < s.end_before THEN 'valid_until' END,
        CASE WHEN s.told AND (after ->> 'result_hold')::interval
            > greatest((before ->> 'result_hold')::interval, '2 hours') THEN 'result_hold' END,
        CASE WHEN s.told AND NOT after -> 'aliases' @> (before -> 'aliases') THEN 'aliases' END
    ], NULL)
    FROM (
        SELECT
            before ->> 'enabled_from' IS NOT NULL AS told,
            -- Empty: all procedures. Changes before there was a list had none.
            coalesce(before -> 'same_day_procedures', '[]') AS left_out_before,
            coalesce(after -> 'same_day_procedures', '[]') AS left_out_after,
            CASE WHEN before ->> 'successor_code' IS NULL THEN coalesce((before ->> 'valid_until')::date, 'infinity')
                ELSE 'infinity' END AS end_before,
            CASE WHEN after ->> 'successor_code' IS NULL THEN coalesce((after ->> 'valid_until')::date, 'infinity')
                ELSE 'infinity' END AS end_after
    ) AS s
$$;

-- Name: stopped_until(text, text, timestamp with time zone); Type: FUNCTION; Schema: motcua; Owner: -

CREATE FUNCTION motcua.stopped_until(of_kind text, of_agency text, at_time timestamp with time zone) RETURNS timestamp with time zone
    LANGUAGE sql STABLE
    AS $$
    SELECT (
        SELECT max(s.until)
        FROM motcua.stops AS s
        WHERE
            s.until > at_time
            AND s.ended_at IS NULL
            AND (s.kind IS NULL OR s.kind = of_kind)
            AND (s.agency_code IS NULL OR s.agency_code = of_agency)
    )
$$;

-- Name: tidy_after_purge(); Type: FUNCTION; Schema: motcua; Owner: -

CREATE FUNCTION motcua.tidy_after_purge() RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog'
    AS $$
BEGIN
    ALTER TABLE statements.lines ALTER COLUMN msisdn TYPE text, ALTER COLUMN reference TYPE text,
    ALTER COLUMN gateway_reference TYPE text;
    ALTER TABLE statements.ours ALTER COLUMN msisdn TYPE text, ALTER COLUMN gateway_reference TYPE text;
    ANALYZE motcua.dossiers (applicant_name, applicant_phone, msisdn);
    ANALYZE motcua.dossier_versions (applicant_phone);
    ANALYZE motcua.messages (msisdn, text, parameters);
    ANALYZE motcua.attempts (msisdn, gateway_reference);
    ANALYZE motcua.transitions (note, actor);
    ANALYZE motcua.inquiries (msisdn, text, asked_code, gateway_message_id, dedupe_key);
    -- Whole, with their indexes on what a code is looked up by.
    ANALYZE motcua.complaints;
    ANALYZE motcua.quarantine;
    ANALYZE motcua.receipts (raw);
    ANALYZE intake.pushed_dossiers (fields);
    ANALYZE intake.pushed_steps (fields);
END
$$;

-- Name: wait_for_emptying(); Type: FUNCTION; Schema: motcua; Owner: -

CREATE FUNCTION motcua.wait_for_emptying() RETURNS void
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'pg_catalog'
    AS $$
    SELECT pg_advisory_xact_lock(7)
$$;

-- Name: wait_for_folder(text); Type: FUNCTION; Schema: motcua; Owner: -

CREATE FUNCTION motcua.wait_for_folder(named text) RETURNS void
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'pg_catalog'
    AS $$
    SELECT pg_advisory_xact_lock(9030, hashtext(named))
$$;

-- Name: wait_for_phone(text); Type: FUNCTION; Schema: motcua; Owner: -

CREATE FUNCTION motcua.wait_for_phone(phone text) RETURNS void
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'pg_catalog'
    AS $$
    SELECT pg_advisory_xact_lock(9029, hashtext(phone))
$$;

-- Name: wait_for_settings(); Type: FUNCTION; Schema: motcua; Owner: -

CREATE FUNCTION motcua.wait_for_settings() RETURNS void
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'pg_catalog'
    AS $$
    SELECT pg_advisory_xact_lock(5)
$$;

-- Name: was_left(bigint, bigint, bigint, text); Type: FUNCTION; Schema: motcua; Owner: -

CREATE FUNCTION motcua.was_left(of_dossier bigint, since_transition bigint, until_transition bigint, of_kind text) RETURNS boolean
    LANGUAGE sql STABLE
    AS $$
    SELECT EXISTS (
        SELECT 1
        FROM motcua.transitions AS t
        INNER JOIN motcua.transitions AS first ON first.transition_id = since_transition
        LEFT JOIN motcua.transitions AS last ON last.transition_id = until_transition
        LEFT JOIN motcua.old_steps AS o ON t.transition_id = o.transition_id
        LEFT JOIN motcua.dossier_versions AS v ON o.version_id = v.version_id
        WHERE
            t.dossier_id = of_dossier
            AND (t.sequence, t.from_row, t.transition_id) > (first.sequence, first.from_row, first.transition_id)
            AND (
                last.transition_id IS NULL
                OR (t.sequence, t.from_row, t.transition_id) < (last.sequence, last.from_row, last.transition_id)
            )
            AND motcua.condition_of(t.status_code, t.at_one_stop_desk) IS DISTINCT FROM of_kind
            -- An old step takes nothing back while the row was not read, or where it still says the condition.
            AND (
                o.transition_id IS NULL
                OR (
                    v.version_id IS NOT NULL
                    AND motcua.condition_of(v.status_code, v.at_one_stop_desk) IS DISTINCT FROM of_kind
                )
            )
    )
$$;

-- Name: withdraw_page_request(bigint, text); Type: FUNCTION; Schema: motcua; Owner: -

CREATE FUNCTION motcua.withdraw_page_request(of_request bigint, said_by text) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'motcua'
    AS $$
BEGIN
    UPDATE motcua.page_requests
    SET ended_at = now(), ended_by = btrim(said_by), outcome = 'withdrawn', wanted = wanted - 'addresses'
    WHERE request_no = of_request AND ended_at IS NULL;
    RETURN FOUND;
END
$$;

-- Name: without_numbers(text); Type: FUNCTION; Schema: motcua; Owner: -

CREATE FUNCTION motcua.without_numbers(written text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE WHEN (written ~ '^[0-9a-f]{32}$'::text) THEN written ELSE regexp_replace(translate(NORMALIZE(written, NFKC), '٠١٢٣٤٥٦٧٨٩۰۱۲۳۴۵۶۷۸۹'::text, '01234567890123456789'::text), '[0-9]([^0-9A-Za-z]{0,5}[0-9]){7,}'::text, '***'::text, 'g'::text) END;

-- Name: begin_snapshot(); Type: FUNCTION; Schema: quality; Owner: -

CREATE FUNCTION quality.begin_snapshot() RETURNS void
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'quality'
    AS $$
    TRUNCATE
        quality.days, quality.agencies, quality.desk_register, quality.register_readings, quality.dossiers, quality.moves,
        quality.result_messages, quality.edited, quality.marks, quality.dossier_facts, quality.usual_waits,
        quality.actor_days, quality.agency_days, quality.month_cells, quality.agency_month_facts, quality.source_facts, quality.found,
        quality.ledger_counts, quality.agency_counts
$$;

-- Name: look_at(text, text); Type: FUNCTION; Schema: quality; Owner: -

CREATE FUNCTION quality.look_at(table_name text, column_name text) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'quality'
    AS $$
BEGIN
    EXECUTE format('ANALYZE quality.%I (%I)', table_name, column_name);
END
$$;

-- Name: clear(); Type: FUNCTION; Schema: statements; Owner: -

CREATE FUNCTION statements.clear() RETURNS void
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'statements'
    AS $$
    TRUNCATE statements.lines, statements.ours, statements.pairs
$$;

-- Name: look_at(text); Type: FUNCTION; Schema: statements; Owner: -

CREATE FUNCTION statements.look_at(table_name text) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'statements'
    AS $$
BEGIN
    EXECUTE format('ANALYZE statements.%I', table_name);
END
$$;

-- Name: agencies; Type: TABLE; Schema: motcua; Owner: -

CREATE TABLE motcua.agencies (
    agency_code text NOT NULL,
    name text NOT NULL,
    short_name text,
    province text DEFAULT 'khanh_hoa'::text NOT NULL,
    enabled_from timestamp with time zone,
    accented boolean DEFAULT false NOT NULL,
    same_day_excluded boolean DEFAULT false NOT NULL,
    kinds_off text[] DEFAULT '{}'::text[] NOT NULL,
    result_hold interval DEFAULT '00:00:00'::interval NOT NULL,
    changed_by text DEFAULT CURRENT_USER NOT NULL,
    kinds_off_reason text,
    apology_day text DEFAULT 'calendar'::text NOT NULL,
    report_recipients text[] DEFAULT '{}'::text[] NOT NULL,
    recipients_list integer DEFAULT 0 NOT NULL,
    retention interval DEFAULT '365 days'::interval NOT NULL,
    valid_from date,
    valid_until date,
    successor_code text,
    by_department boolean DEFAULT false NOT NULL,
    same_day_procedures text[] DEFAULT '{}'::text[] NOT NULL,
    same_day_reason text,
    CONSTRAINT agencies_agency_code_check CHECK (((agency_code = btrim(agency_code)) AND (agency_code <> ''::text))),
    CONSTRAINT agencies_apology_day_check CHECK ((apology_day = ANY (ARRAY['calendar'::text, 'working_day'::text]))),
    CONSTRAINT agencies_check CHECK ((valid_from <= valid_until)),
    CONSTRAINT agencies_check1 CHECK ((successor_code <> agency_code)),
    CONSTRAINT agencies_check2 CHECK (((successor_code IS NULL) OR (valid_until IS NOT NULL))),
    CONSTRAINT agencies_check3 CHECK (((kinds_off = '{}'::text[]) = (kinds_off_reason IS NULL))),
    CONSTRAINT agencies_check4 CHECK ((same_day_excluded OR (same_day_procedures = '{}'::text[]))),
    CONSTRAINT agencies_check5 CHECK ((same_day_excluded OR (same_day_reason IS NULL))),
    CONSTRAINT agencies_kinds_off_check CHECK ((kinds_off <@ ARRAY['result'::text, 'supplement'::text, 'apology'::text])),
    CONSTRAINT agencies_kinds_off_reason_check CHECK ((btrim(kinds_off_reason) <> ''::text)),
    CONSTRAINT agencies_name_check CHECK ((btrim(name) <> ''::text)),
    CONSTRAINT agencies_result_hold_check CHECK (((result_hold >= '00:00:00'::interval) AND (result_hold <= '1 day'::interval))),
    CONSTRAINT agencies_retention_check CHECK (((retention >= '30 days'::interval) AND (retention <= '3650 days'::interval))),
    CONSTRAINT agencies_same_day_reason_check CHECK ((btrim(same_day_reason) <> ''::text))
);

-- Name: agencies; Type: VIEW; Schema: audit; Owner: -

CREATE VIEW audit.agencies AS
 SELECT agency_code,
    name,
    short_name,
    province,
    enabled_from,
    accented,
    same_day_excluded,
    kinds_off,
    result_hold,
    changed_by,
    kinds_off_reason,
    apology_day,
    cardinality(report_recipients) AS report_recipients_count,
    retention,
    valid_from,
    valid_until,
    successor_code,
    by_department,
    same_day_procedures,
    same_day_reason
   FROM motcua.agencies;

-- Name: agency_aliases; Type: TABLE; Schema: motcua; Owner: -

CREATE TABLE motcua.agency_aliases (
    alias text NOT NULL,
    agency_code text NOT NULL
);

-- Name: agency_aliases; Type: VIEW; Schema: audit; Owner: -

CREATE VIEW audit.agency_aliases AS
 SELECT alias,
    agency_code
   FROM motcua.agency_aliases;

-- Name: agency_changes; Type: TABLE; Schema: motcua; Owner: -

CREATE TABLE motcua.agency_changes (
    change_id bigint NOT NULL,
    agency_code text NOT NULL,
    changed_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    changed_by text NOT NULL,
    before jsonb,
    after jsonb NOT NULL,
    by_department boolean DEFAULT false NOT NULL,
    silences text[] DEFAULT '{}'::text[] NOT NULL
);

-- Name: agency_changes; Type: VIEW; Schema: audit; Owner: -

CREATE VIEW audit.agency_changes AS
 SELECT change_id,
    agency_code,
    changed_at,
    changed_by,
    before,
    after,
    by_department,
    silences
   FROM motcua.agency_changes;

-- Name: agency_names; Type: TABLE; Schema: motcua; Owner: -

CREATE TABLE motcua.agency_names (
    agency_code text NOT NULL,
    valid_until date NOT NULL,
    name text NOT NULL,
    short_name text,
    CONSTRAINT agency_names_name_check CHECK ((btrim(name) <> ''::text))
);

-- Name: agency_names; Type: VIEW; Schema: audit; Owner: -

CREATE VIEW audit.agency_names AS
 SELECT agency_code,
    valid_until,
    name,
    short_name
   FROM motcua.agency_names;

-- Name: alerts; Type: TABLE; Schema: motcua; Owner: -

CREATE TABLE motcua.alerts (
    alert_id bigint NOT NULL,
    name text NOT NULL,
    subject text NOT NULL,
    raised_at timestamp with time zone NOT NULL,
    facts jsonb NOT NULL,
    told_at timestamp with time zone,
    over_at timestamp with time zone,
    over_told_at timestamp with time zone,
    acknowledged_at timestamp with time zone,
    acknowledged_by text,
    CONSTRAINT alerts_acknowledged_by_check CHECK ((btrim(acknowledged_by) <> ''::text)),
    CONSTRAINT alerts_check CHECK ((over_at >= raised_at)),
    CONSTRAINT alerts_check1 CHECK (((acknowledged_at IS NULL) = (acknowledged_by IS NULL))),
    CONSTRAINT alerts_name_check CHECK ((name ~ '^[a-z_]+$'::text))
);

-- Name: alerts; Type: VIEW; Schema: audit; Owner: -

CREATE VIEW audit.alerts AS
 SELECT alert_id,
    name,
    subject,
    raised_at,
    facts,
    told_at,
    over_at,
    over_told_at,
    acknowledged_at,
    acknowledged_by
   FROM motcua.alerts;

-- Name: apology_evenings; Type: TABLE; Schema: motcua; Owner: -

CREATE TABLE motcua.apology_evenings (
    agency_code text NOT NULL,
    day date NOT NULL,
    evening_at timestamp with time zone NOT NULL,
    apology_day text NOT NULL,
    state text NOT NULL,
    first_due date,
    last_due date,
    useful_until timestamp with time zone,
    settled_at timestamp with time zone NOT NULL,
    known_transition bigint NOT NULL,
    known_version bigint NOT NULL,
    looked_at integer NOT NULL,
    queued integer NOT NULL,
    suppressed integer NOT NULL,
    missed integer NOT NULL,
    run_no bigint DEFAULT (NULLIF(current_setting('motcua.run'::text, true), ''::text))::bigint,
    CONSTRAINT apology_evenings_apology_day_check CHECK ((apology_day = ANY (ARRAY['calendar'::text, 'working_day'::text]))),
    CONSTRAINT apology_evenings_check CHECK ((settled_at >= evening_at)),
    CONSTRAINT apology_evenings_check1 CHECK (((state = 'day_off'::text) = (first_due IS NULL))),
    CONSTRAINT apology_evenings_check2 CHECK ((((first_due IS NULL) = (last_due IS NULL)) AND ((first_due IS NULL) = (useful_until IS NULL)))),
    CONSTRAINT apology_evenings_check3 CHECK (((first_due > day) AND (last_due >= first_due))),
    CONSTRAINT apology_evenings_check4 CHECK (((queued = 0) OR (state = 'done'::text))),
    CONSTRAINT apology_evenings_looked_at_check CHECK ((looked_at >= 0)),
    CONSTRAINT apology_evenings_missed_check CHECK ((missed >= 0)),
    CONSTRAINT apology_evenings_queued_check CHECK ((queued >= 0)),
    CONSTRAINT apology_evenings_state_check CHECK ((state = ANY (ARRAY['done'::text, 'missed'::text, 'day_off'::text]))),
    CONSTRAINT apology_evenings_suppressed_check CHECK ((suppressed >= 0))
);

-- Name: apology_evenings; Type: VIEW; Schema: audit; Owner: -

CREATE VIEW audit.apology_evenings AS
 SELECT agency_code,
    day,
    evening_at,
    apology_day,
    state,
    first_due,
    last_due,
    useful_until,
    settled_at,
    known_transition,
    known_version,
    looked_at,
    queued,
    suppressed,
    missed
   FROM motcua.apology_evenings;

-- Name: attempts; Type: TABLE; Schema: motcua; Owner: -

CREATE TABLE motcua.attempts (
    attempt_id bigint NOT NULL,
    message_id bigint NOT NULL,
    gateway text NOT NULL,
    reference text NOT NULL,
    sender_id bigint NOT NULL,
    run_id text NOT NULL,
    msisdn text,
    state text DEFAULT 'in_flight'::text NOT NULL,
    started_at timestamp with time zone NOT NULL,
    answered_at timestamp with time zone,
    outcome text,
    http_status smallint,
    gateway_code text,
    gateway_reference text,
    segments smallint,
    concerns text,
    settle_at timestamp with time zone,
    settlings smallint DEFAULT 0 NOT NULL,
    released boolean DEFAULT false NOT NULL,
    run_no bigint DEFAULT (NULLIF(current_setting('motcua.run'::text, true), ''::text))::bigint,
    purged_at timestamp with time zone,
    CONSTRAINT attempts_concerns_check CHECK ((concerns = ANY (ARRAY['gateway'::text, 'carrier'::text, 'template'::text, 'message'::text]))),
    CONSTRAINT attempts_number CHECK (((msisdn IS NULL) = (purged_at IS NOT NULL))),
    CONSTRAINT attempts_outcome_check CHECK ((outcome = ANY (ARRAY['accepted'::text, 'duplicate'::text, 'phone'::text, 'configuration'::text, 'transient'::text, 'unknown'::text, 'receipt'::text]))),
    CONSTRAINT attempts_state_check CHECK ((state = ANY (ARRAY['in_flight'::text, 'accepted'::text, 'rejected'::text, 'failed'::text, 'unknown'::text, 'delivered'::text, 'undelivered'::text])))
);

-- Name: attempts; Type: VIEW; Schema: audit; Owner: -

CREATE VIEW audit.attempts AS
 SELECT attempt_id,
    message_id,
    gateway,
    reference,
    run_id,
    state,
    started_at,
    answered_at,
    outcome,
    http_status,
    motcua.without_numbers(gateway_code) AS gateway_code,
    motcua.without_numbers(gateway_reference) AS gateway_reference,
    segments,
    concerns,
    settlings,
    released
   FROM motcua.attempts;

-- Name: calendar_changes; Type: TABLE; Schema: motcua; Owner: -

CREATE TABLE motcua.calendar_changes (
    change_id bigint NOT NULL,
    changed_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    changed_by text NOT NULL,
    concerns text NOT NULL,
    province text,
    agency_code text,
    year smallint NOT NULL,
    day date,
    before jsonb,
    after jsonb,
    CONSTRAINT calendar_changes_check CHECK (((before IS NOT NULL) OR (after IS NOT NULL))),
    CONSTRAINT calendar_changes_concerns_check CHECK ((concerns = ANY (ARRAY['day'::text, 'year'::text, 'hours'::text])))
);

-- Name: calendar_changes; Type: VIEW; Schema: audit; Owner: -

CREATE VIEW audit.calendar_changes AS
 SELECT change_id,
    changed_at,
    changed_by,
    concerns,
    province,
    agency_code,
    year,
    day,
    before,
    after
   FROM motcua.calendar_changes;

-- Name: calendar_days; Type: TABLE; Schema: motcua; Owner: -

CREATE TABLE motcua.calendar_days (
    calendar_day_id bigint NOT NULL,
    province text,
    agency_code text,
    day date NOT NULL,
    origin text NOT NULL,
    opening text NOT NULL,
    reason text NOT NULL,
    authority text NOT NULL,
    CONSTRAINT calendar_days_authority_check CHECK ((btrim(authority) <> ''::text)),
    CONSTRAINT calendar_days_check CHECK (((origin = 'agency'::text) = (agency_code IS NOT NULL))),
    CONSTRAINT calendar_days_check1 CHECK (((province IS NULL) <> (agency_code IS NULL))),
    CONSTRAINT calendar_days_day_check CHECK (((day >= '1954-01-01'::date) AND (day <= '2100-12-31'::date))),
    CONSTRAINT calendar_days_opening_check CHECK ((opening = ANY (ARRAY['closed'::text, 'full'::text, 'morning'::text]))),
    CONSTRAINT calendar_days_origin_check CHECK ((origin = ANY (ARRAY['package'::text, 'decision'::text, 'agency'::text]))),
    CONSTRAINT calendar_days_province_check CHECK ((province ~ '^[a-z0-9_]+$'::text)),
    CONSTRAINT calendar_days_reason_check CHECK ((btrim(reason) <> ''::text))
);

-- Name: calendar_days; Type: VIEW; Schema: audit; Owner: -

CREATE VIEW audit.calendar_days AS
 SELECT calendar_day_id,
    province,
    agency_code,
    day,
    origin,
    opening,
    reason,
    authority
   FROM motcua.calendar_days;

-- Name: calendar_years; Type: TABLE; Schema: motcua; Owner: -

CREATE TABLE motcua.calendar_years (
    province text NOT NULL,
    year smallint NOT NULL,
    package text NOT NULL,
    decision text,
    confirmed_at timestamp with time zone,
    CONSTRAINT calendar_years_check CHECK (((decision IS NULL) = (confirmed_at IS NULL))),
    CONSTRAINT calendar_years_decision_check CHECK ((btrim(decision) <> ''::text)),
    CONSTRAINT calendar_years_province_check CHECK ((province ~ '^[a-z0-9_]+$'::text)),
    CONSTRAINT calendar_years_year_check CHECK (((year >= 1954) AND (year <= 2100)))
);

-- Name: calendar_years; Type: VIEW; Schema: audit; Owner: -

CREATE VIEW audit.calendar_years AS
 SELECT province,
    year,
    package,
    decision,
    confirmed_at
   FROM motcua.calendar_years;

-- Name: carrier_statements; Type: TABLE; Schema: motcua; Owner: -

CREATE TABLE motcua.carrier_statements (
    statement_no bigint NOT NULL,
    form text NOT NULL,
    gateway text NOT NULL,
    month date NOT NULL,
    covers_until timestamp with time zone NOT NULL,
    file_name text NOT NULL,
    sha256 text NOT NULL,
    imported_at timestamp with time zone NOT NULL,
    imported_by text NOT NULL,
    terms jsonb NOT NULL,
    lines integer NOT NULL,
    segments bigint NOT NULL,
    amount numeric(16,2) NOT NULL,
    inquiries bigint NOT NULL,
    revenue numeric(16,2) NOT NULL,
    supersedes bigint,
    CONSTRAINT carrier_statements_amount_check CHECK ((amount >= (0)::numeric)),
    CONSTRAINT carrier_statements_check CHECK ((supersedes < statement_no)),
    CONSTRAINT carrier_statements_file_name_check CHECK ((btrim(file_name) <> ''::text)),
    CONSTRAINT carrier_statements_form_check CHECK ((form ~ '^[a-z0-9_]+$'::text)),
    CONSTRAINT carrier_statements_gateway_check CHECK ((gateway ~ '^[a-z0-9_]+$'::text)),
    CONSTRAINT carrier_statements_imported_by_check CHECK ((btrim(imported_by) <> ''::text)),
    CONSTRAINT carrier_statements_inquiries_check CHECK ((inquiries >= 0)),
    CONSTRAINT carrier_statements_lines_check CHECK ((lines >= 0)),
    CONSTRAINT carrier_statements_month_check CHECK ((EXTRACT(day FROM month) = (1)::numeric)),
    CONSTRAINT carrier_statements_revenue_check CHECK ((revenue >= (0)::numeric)),
    CONSTRAINT carrier_statements_segments_check CHECK ((segments >= 0)),
    CONSTRAINT carrier_statements_sha256_check CHECK ((sha256 ~ '^[0-9a-f]{64}$'::text))
);

-- Name: carrier_statements; Type: VIEW; Schema: audit; Owner: -

CREATE VIEW audit.carrier_statements AS
 SELECT statement_no,
    form,
    gateway,
    month,
    covers_until,
    file_name,
    sha256,
    imported_at,
    imported_by,
    terms,
    lines,
    segments,
    amount,
    inquiries,
    revenue,
    supersedes,
    (NOT (EXISTS ( SELECT 1
           FROM motcua.carrier_statements l
          WHERE (l.supersedes = s.statement_no)))) AS in_force
   FROM motcua.carrier_statements s;

-- Name: cleaned_fields; Type: TABLE; Schema: motcua; Owner: -

CREATE TABLE motcua.cleaned_fields (
    cleaned_field_id bigint CONSTRAINT findings_finding_id_not_null NOT NULL,
    code text CONSTRAINT findings_code_not_null NOT NULL,
    agency_code text CONSTRAINT findings_agency_code_not_null NOT NULL,
    dossier_id bigint CONSTRAINT findings_dossier_id_not_null NOT NULL,
    transition_id bigint,
    detail text DEFAULT ''::text CONSTRAINT findings_detail_not_null NOT NULL,
    found_at timestamp with time zone CONSTRAINT findings_found_at_not_null NOT NULL,
    last_seen_at timestamp with time zone NOT NULL
);

-- Name: cleaned_fields; Type: VIEW; Schema: audit; Owner: -

CREATE VIEW audit.cleaned_fields AS
 SELECT cleaned_field_id,
    code,
    agency_code,
    dossier_id,
    transition_id,
    detail,
    found_at,
    last_seen_at
   FROM motcua.cleaned_fields;

-- Name: closing_agencies; Type: TABLE; Schema: motcua; Owner: -

CREATE TABLE motcua.closing_agencies (
    closing_no bigint NOT NULL,
    agency_code text NOT NULL,
    apologies_right integer NOT NULL,
    apologies_wrong integer NOT NULL,
    apologies_stopped integer NOT NULL,
    late_untold integer NOT NULL,
    inquiries integer NOT NULL,
    inquiry_fees integer NOT NULL,
    told_without_result integer NOT NULL,
    findings_open integer NOT NULL
);

-- Name: closing_agencies; Type: VIEW; Schema: audit; Owner: -

CREATE VIEW audit.closing_agencies AS
 SELECT closing_no,
    agency_code,
    apologies_right,
    apologies_wrong,
    apologies_stopped,
    late_untold,
    inquiries,
    inquiry_fees,
    told_without_result,
    findings_open
   FROM motcua.closing_agencies;

-- Name: closing_changes; Type: TABLE; Schema: motcua; Owner: -

CREATE TABLE motcua.closing_changes (
    closing_no bigint NOT NULL,
    agency_code text NOT NULL,
    procedure_code text NOT NULL,
    kind text NOT NULL,
    figure text NOT NULL,
    was bigint NOT NULL,
    became bigint NOT NULL,
    causes text[] NOT NULL,
    CONSTRAINT closing_changes_causes_check CHECK (((causes <@ ARRAY['late_receipt'::text, 'settled_later'::text, 'sent_later'::text, 'reopened'::text, 'picked_up_late'::text, 'source_changed'::text, 'dossier_changed'::text]) AND (causes <> '{}'::text[]))),
    CONSTRAINT closing_changes_check CHECK ((became <> was))
);

-- Name: closing_changes; Type: VIEW; Schema: audit; Owner: -

CREATE VIEW audit.closing_changes AS
 SELECT closing_no,
    agency_code,
    procedure_code,
    kind,
    figure,
    was,
    became,
    causes
   FROM motcua.closing_changes;

-- Name: closing_differences; Type: TABLE; Schema: motcua; Owner: -

CREATE TABLE motcua.closing_differences (
    difference_no bigint NOT NULL,
    closing_no bigint NOT NULL,
    side text NOT NULL,
    reason text NOT NULL,
    explained boolean GENERATED ALWAYS AS ((reason <> ALL (ARRAY['missing'::text, 'unplanned'::text, 'without_message'::text, 'without_event'::text]))) STORED,
    agency_code text NOT NULL,
    procedure_code text NOT NULL,
    kind text NOT NULL,
    dossier_code text,
    source_id smallint,
    source_transition_id bigint,
    transition_id bigint,
    message_id bigint,
    occurred_at timestamp with time zone,
    CONSTRAINT closing_differences_reason_check CHECK ((reason = ANY (ARRAY['quarantined'::text, 'cut_off'::text, 'other_period'::text, 'other_procedure'::text, 'source_changed'::text, 'time_cleaned'::text, 'scope_changed'::text, 'evening_missed'::text, 'missing'::text, 'unplanned'::text, 'without_message'::text, 'without_event'::text]))),
    CONSTRAINT closing_differences_side_check CHECK ((side = ANY (ARRAY['source'::text, 'ledger'::text])))
);

-- Name: closing_differences; Type: VIEW; Schema: audit; Owner: -

CREATE VIEW audit.closing_differences AS
 SELECT difference_no,
    closing_no,
    side,
    reason,
    explained,
    agency_code,
    procedure_code,
    kind,
    dossier_code,
    source_id,
    source_transition_id,
    transition_id,
    message_id,
    occurred_at
   FROM motcua.closing_differences;

-- Name: closing_dossier_sums; Type: TABLE; Schema: motcua; Owner: -

CREATE TABLE motcua.closing_dossier_sums (
    closing_no bigint NOT NULL,
    agency_code text NOT NULL,
    cells integer NOT NULL,
    carried_over bigint NOT NULL,
    received bigint NOT NULL,
    received_online bigint NOT NULL,
    received_postal bigint NOT NULL,
    resolved_early bigint NOT NULL,
    resolved_on_time bigint NOT NULL,
    resolved_late bigint NOT NULL,
    resolved_without_due bigint NOT NULL,
    withdrawn bigint NOT NULL,
    open_in_time bigint NOT NULL,
    open_late bigint NOT NULL,
    paused_in_time bigint NOT NULL,
    paused_late bigint NOT NULL,
    due bigint NOT NULL,
    handed_over bigint NOT NULL,
    CONSTRAINT closing_dossier_sums_cells_check CHECK ((cells > 0))
);

-- Name: closing_dossiers; Type: TABLE; Schema: motcua; Owner: -

CREATE TABLE motcua.closing_dossiers (
    closing_no bigint NOT NULL,
    agency_code text NOT NULL,
    procedure_code text NOT NULL,
    carried_over integer NOT NULL,
    received integer NOT NULL,
    received_online integer NOT NULL,
    received_postal integer NOT NULL,
    resolved_early integer NOT NULL,
    resolved_on_time integer NOT NULL,
    resolved_late integer NOT NULL,
    resolved_without_due integer NOT NULL,
    withdrawn integer NOT NULL,
    open_in_time integer NOT NULL,
    open_late integer NOT NULL,
    paused_in_time integer NOT NULL,
    paused_late integer NOT NULL,
    due integer NOT NULL,
    handed_over integer NOT NULL
);

-- Name: closings; Type: TABLE; Schema: motcua; Owner: -

CREATE TABLE motcua.closings (
    closing_no bigint NOT NULL,
    period text NOT NULL,
    corrects bigint,
    run_id text NOT NULL,
    as_of timestamp with time zone NOT NULL,
    known_version bigint NOT NULL,
    known_transition bigint NOT NULL,
    known_history bigint NOT NULL,
    known_message bigint NOT NULL,
    known_inquiry bigint NOT NULL,
    known_receipt bigint NOT NULL,
    data_as_of timestamp with time zone,
    sources_unread text[] DEFAULT '{}'::text[] NOT NULL,
    segment_price integer,
    figures_hash text NOT NULL,
    difference bigint NOT NULL,
    unexplained integer NOT NULL,
    closed_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    period_length text GENERATED ALWAYS AS (
CASE
    WHEN (char_length(period) = 10) THEN 'day'::text
    WHEN (char_length(period) = 4) THEN 'year'::text
    WHEN (substr(period, 6, 1) = 'Q'::text) THEN 'quarter'::text
    ELSE 'month'::text
END) STORED NOT NULL,
    known_quality_run bigint,
    CONSTRAINT closings_figures_hash_check CHECK ((figures_hash ~ '^[0-9a-f]{64}$'::text)),
    CONSTRAINT closings_period_check CHECK ((period ~ '^[0-9]{4}(-Q[1-4]|-(0[1-9]|1[0-2])(-(0[1-9]|[12][0-9]|3[01]))?)?$'::text)),
    CONSTRAINT closings_run_id_check CHECK ((btrim(run_id) <> ''::text)),
    CONSTRAINT closings_segment_price_check CHECK ((segment_price >= 0)),
    CONSTRAINT closings_unexplained_check CHECK ((unexplained >= 0))
);

-- Name: closing_dossier_sums; Type: VIEW; Schema: audit; Owner: -

CREATE VIEW audit.closing_dossier_sums AS
 SELECT closing_dossier_sums.closing_no,
    closing_dossier_sums.agency_code,
    closing_dossier_sums.cells,
    closing_dossier_sums.carried_over,
    closing_dossier_sums.received,
    closing_dossier_sums.received_online,
    closing_dossier_sums.received_postal,
    closing_dossier_sums.resolved_early,
    closing_dossier_sums.resolved_on_time,
    closing_dossier_sums.resolved_late,
    closing_dossier_sums.resolved_without_due,
    closing_dossier_sums.withdrawn,
    closing_dossier_sums.open_in_time,
    closing_dossier_sums.open_late,
    closing_dossier_sums.paused_in_time,
    closing_dossier_sums.paused_late,
    closing_dossier_sums.due,
    closing_dossier_sums.handed_over
   FROM motcua.closing_dossier_sums
UNION ALL
 SELECT c.closing_no,
    a.agency_code,
    a.cells,
    a.carried_over,
    a.received,
    a.received_online,
    a.received_postal,
    a.resolved_early,
    a.resolved_on_time,
    a.resolved_late,
    a.resolved_without_due,
    a.withdrawn,
    a.open_in_time,
    a.open_late,
    a.paused_in_time,
    a.paused_late,
    a.due,
    a.handed_over
   FROM (motcua.closings c
     JOIN LATERAL ( SELECT d.agency_code,
            (count(*))::integer AS cells,
            sum(d.carried_over) AS carried_over,
            sum(d.received) AS received,
            sum(d.received_online) AS received_online,
            sum(d.received_postal) AS received_postal,
            sum(d.resolved_early) AS resolved_early,
            sum(d.resolved_on_time) AS resolved_on_time,
            sum(d.resolved_late) AS resolved_late,
            sum(d.resolved_without_due) AS resolved_without_due,
            sum(d.withdrawn) AS withdrawn,
            sum(d.open_in_time) AS open_in_time,
            sum(d.open_late) AS open_late,
            sum(d.paused_in_time) AS paused_in_time,
            sum(d.paused_late) AS paused_late,
            sum(d.due) AS due,
            sum(d.handed_over) AS handed_over
           FROM motcua.closing_dossiers d
          WHERE (d.closing_no = c.closing_no)
          GROUP BY d.agency_code) a ON (true))
  WHERE (NOT (EXISTS ( SELECT 1
           FROM motcua.closing_dossier_sums s
          WHERE (s.closing_no = c.closing_no))));

-- Name: closing_dossiers; Type: VIEW; Schema: audit; Owner: -

CREATE VIEW audit.closing_dossiers AS
 SELECT closing_no,
    agency_code,
    procedure_code,
    carried_over,
    received,
    received_online,
    received_postal,
    resolved_early,
    resolved_on_time,
    resolved_late,
    resolved_without_due,
    withdrawn,
    open_in_time,
    open_late,
    paused_in_time,
    paused_late,
    due,
    handed_over
   FROM motcua.closing_dossiers;

-- Name: closing_message_sums; Type: TABLE; Schema: motcua; Owner: -

CREATE TABLE motcua.closing_message_sums (
    closing_no bigint NOT NULL,
    agency_code text NOT NULL,
    kind text NOT NULL,
    balances boolean NOT NULL,
    cells integer NOT NULL,
    at_source bigint NOT NULL,
    out_of_scope bigint NOT NULL,
    only_source bigint NOT NULL,
    only_ledger bigint NOT NULL,
    suppressed bigint NOT NULL,
    cancelled bigint NOT NULL,
    expired bigint NOT NULL,
    queued bigint NOT NULL,
    sending bigint NOT NULL,
    unknown bigint NOT NULL,
    rejected bigint NOT NULL,
    accepted bigint NOT NULL,
    delivered bigint NOT NULL,
    undelivered bigint NOT NULL,
    unconfirmed bigint NOT NULL,
    segments bigint NOT NULL,
    CONSTRAINT closing_message_sums_cells_check CHECK ((cells > 0))
);

-- Name: closing_messages; Type: TABLE; Schema: motcua; Owner: -

CREATE TABLE motcua.closing_messages (
    closing_no bigint NOT NULL,
    agency_code text NOT NULL,
    procedure_code text NOT NULL,
    kind text NOT NULL,
    at_source integer NOT NULL,
    out_of_scope integer NOT NULL,
    only_source integer NOT NULL,
    only_ledger integer NOT NULL,
    expected integer GENERATED ALWAYS AS ((((at_source - out_of_scope) - only_source) + only_ledger)) STORED,
    suppressed integer NOT NULL,
    cancelled integer NOT NULL,
    expired integer NOT NULL,
    queued integer NOT NULL,
    sending integer NOT NULL,
    unknown integer NOT NULL,
    rejected integer NOT NULL,
    accepted integer NOT NULL,
    delivered integer NOT NULL,
    undelivered integer NOT NULL,
    unconfirmed integer NOT NULL,
    difference integer GENERATED ALWAYS AS (((((((((((((((at_source - out_of_scope) - only_source) + only_ledger) - suppressed) - cancelled) - expired) - queued) - sending) - unknown) - rejected) - accepted) - delivered) - undelivered) - unconfirmed)) STORED,
    segments integer NOT NULL,
    CONSTRAINT closing_messages_kind_check CHECK ((kind = ANY (ARRAY['result'::text, 'supplement'::text, 'apology'::text, 'reply'::text])))
);

-- Name: closing_message_sums; Type: VIEW; Schema: audit; Owner: -

CREATE VIEW audit.closing_message_sums AS
 SELECT closing_message_sums.closing_no,
    closing_message_sums.agency_code,
    closing_message_sums.kind,
    closing_message_sums.balances,
    closing_message_sums.cells,
    closing_message_sums.at_source,
    closing_message_sums.out_of_scope,
    closing_message_sums.only_source,
    closing_message_sums.only_ledger,
    closing_message_sums.suppressed,
    closing_message_sums.cancelled,
    closing_message_sums.expired,
    closing_message_sums.queued,
    closing_message_sums.sending,
    closing_message_sums.unknown,
    closing_message_sums.rejected,
    closing_message_sums.accepted,
    closing_message_sums.delivered,
    closing_message_sums.undelivered,
    closing_message_sums.unconfirmed,
    closing_message_sums.segments
   FROM motcua.closing_message_sums
UNION ALL
 SELECT c.closing_no,
    a.agency_code,
    a.kind,
    a.balances,
    a.cells,
    a.at_source,
    a.out_of_scope,
    a.only_source,
    a.only_ledger,
    a.suppressed,
    a.cancelled,
    a.expired,
    a.queued,
    a.sending,
    a.unknown,
    a.rejected,
    a.accepted,
    a.delivered,
    a.undelivered,
    a.unconfirmed,
    a.segments
   FROM (motcua.closings c
     JOIN LATERAL ( SELECT m.agency_code,
            m.kind,
            (m.difference = 0) AS balances,
            (count(*))::integer AS cells,
            sum(m.at_source) AS at_source,
            sum(m.out_of_scope) AS out_of_scope,
            sum(m.only_source) AS only_source,
            sum(m.only_ledger) AS only_ledger,
            sum(m.suppressed) AS suppressed,
            sum(m.cancelled) AS cancelled,
            sum(m.expired) AS expired,
            sum(m.queued) AS queued,
            sum(m.sending) AS sending,
            sum(m.unknown) AS unknown,
            sum(m.rejected) AS rejected,
            sum(m.accepted) AS accepted,
            sum(m.delivered) AS delivered,
            sum(m.undelivered) AS undelivered,
            sum(m.unconfirmed) AS unconfirmed,
            sum(m.segments) AS segments
           FROM motcua.closing_messages m
          WHERE (m.closing_no = c.closing_no)
          GROUP BY m.agency_code, m.kind, (m.difference = 0)) a ON (true))
  WHERE (NOT (EXISTS ( SELECT 1
           FROM motcua.closing_message_sums s
          WHERE (s.closing_no = c.closing_no))));

-- Name: closing_messages; Type: VIEW; Schema: audit; Owner: -

CREATE VIEW audit.closing_messages AS
 SELECT closing_no,
    agency_code,
    procedure_code,
    kind,
    at_source,
    out_of_scope,
    only_source,
    only_ledger,
    expected,
    suppressed,
    cancelled,
    expired,
    queued,
    sending,
    unknown,
    rejected,
    accepted,
    delivered,
    undelivered,
    unconfirmed,
    difference,
    segments
   FROM motcua.closing_messages;

-- Name: closing_orphans; Type: TABLE; Schema: motcua; Owner: -

CREATE TABLE motcua.closing_orphans (
    orphan_no bigint NOT NULL,
    closing_no bigint NOT NULL,
    sort text NOT NULL,
    agency_code text NOT NULL,
    procedure_code text NOT NULL,
    dossier_code text,
    message_id bigint,
    receipt_id bigint,
    happened_at timestamp with time zone,
    CONSTRAINT closing_orphans_sort_check CHECK ((sort = ANY (ARRAY['message_without_dossier'::text, 'receipt_without_attempt'::text, 'handed_over_untold'::text])))
);

-- Name: closing_orphans; Type: VIEW; Schema: audit; Owner: -

CREATE VIEW audit.closing_orphans AS
 SELECT orphan_no,
    closing_no,
    sort,
    agency_code,
    procedure_code,
    dossier_code,
    message_id,
    receipt_id,
    happened_at
   FROM motcua.closing_orphans;

-- Name: closing_pushed; Type: TABLE; Schema: motcua; Owner: -

CREATE TABLE motcua.closing_pushed (
    closing_no bigint NOT NULL,
    source text NOT NULL,
    agency_code text NOT NULL
);

-- Name: closing_pushed; Type: VIEW; Schema: audit; Owner: -

CREATE VIEW audit.closing_pushed AS
 SELECT closing_no,
    source,
    agency_code
   FROM motcua.closing_pushed;

-- Name: closing_reason_sums; Type: TABLE; Schema: motcua; Owner: -

CREATE TABLE motcua.closing_reason_sums (
    closing_no bigint NOT NULL,
    agency_code text NOT NULL,
    kind text NOT NULL,
    state text NOT NULL,
    reason text NOT NULL,
    messages bigint NOT NULL,
    CONSTRAINT closing_reason_sums_messages_check CHECK ((messages > 0))
);

-- Name: closing_reasons; Type: TABLE; Schema: motcua; Owner: -

CREATE TABLE motcua.closing_reasons (
    closing_no bigint NOT NULL,
    agency_code text NOT NULL,
    procedure_code text NOT NULL,
    kind text NOT NULL,
    state text NOT NULL,
    reason text NOT NULL,
    messages integer NOT NULL,
    CONSTRAINT closing_reasons_messages_check CHECK ((messages > 0))
);

-- Name: closing_reason_sums; Type: VIEW; Schema: audit; Owner: -

CREATE VIEW audit.closing_reason_sums AS
 SELECT closing_reason_sums.closing_no,
    closing_reason_sums.agency_code,
    closing_reason_sums.kind,
    closing_reason_sums.state,
    closing_reason_sums.reason,
    closing_reason_sums.messages
   FROM motcua.closing_reason_sums
UNION ALL
 SELECT c.closing_no,
    a.agency_code,
    a.kind,
    a.state,
    a.reason,
    a.messages
   FROM (motcua.closings c
     JOIN LATERAL ( SELECT r.agency_code,
            r.kind,
            r.state,
            r.reason,
            sum(r.messages) AS messages
           FROM motcua.closing_reasons r
          WHERE (r.closing_no = c.closing_no)
          GROUP BY r.agency_code, r.kind, r.state, r.reason) a ON (true))
  WHERE (NOT (EXISTS ( SELECT 1
           FROM motcua.closing_reason_sums s
          WHERE (s.closing_no = c.closing_no))));

-- Name: closing_reasons; Type: VIEW; Schema: audit; Owner: -

CREATE VIEW audit.closing_reasons AS
 SELECT closing_no,
    agency_code,
    procedure_code,
    kind,
    state,
    reason,
    messages
   FROM motcua.closing_reasons;

-- Name: closing_stops; Type: TABLE; Schema: motcua; Owner: -

CREATE TABLE motcua.closing_stops (
    closing_no bigint NOT NULL,
    stop_id bigint NOT NULL,
    ended_at timestamp with time zone
);

-- Name: closing_stops; Type: VIEW; Schema: audit; Owner: -

CREATE VIEW audit.closing_stops AS
 SELECT closing_no,
    stop_id,
    ended_at
   FROM motcua.closing_stops;

-- Name: closing_timings; Type: TABLE; Schema: motcua; Owner: -

CREATE TABLE motcua.closing_timings (
    closing_no bigint NOT NULL,
    agency_code text,
    procedure_code text,
    kind text NOT NULL,
    delivered integer NOT NULL,
    median_seconds integer NOT NULL,
    p95_seconds integer NOT NULL,
    CONSTRAINT closing_timings_delivered_check CHECK ((delivered > 0))
);

-- Name: closing_timings; Type: VIEW; Schema: audit; Owner: -

CREATE VIEW audit.closing_timings AS
 SELECT closing_no,
    agency_code,
    procedure_code,
    kind,
    delivered,
    median_seconds,
    p95_seconds
   FROM motcua.closing_timings;

-- Name: closings; Type: VIEW; Schema: audit; Owner: -

CREATE VIEW audit.closings AS
 SELECT closing_no,
    period,
    corrects,
    run_id,
    as_of,
    known_version,
    known_transition,
    known_history,
    known_message,
    known_inquiry,
    known_receipt,
    data_as_of,
    sources_unread,
    segment_price,
    figures_hash,
    difference,
    unexplained,
    closed_at,
    period_length,
    known_quality_run
   FROM motcua.closings;

-- Name: complaint_changes; Type: TABLE; Schema: motcua; Owner: -

CREATE TABLE motcua.complaint_changes (
    change_id bigint NOT NULL,
    complaint_id bigint NOT NULL,
    changed_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    changed_by text NOT NULL,
    change text NOT NULL,
    before jsonb,
    after jsonb NOT NULL,
    CONSTRAINT complaint_changes_change_check CHECK ((change = ANY (ARRAY['recorded'::text, 'linked'::text, 'outcome'::text, 'withdrawn'::text, 'emptied'::text])))
);

-- Name: complaint_changes; Type: VIEW; Schema: audit; Owner: -

CREATE VIEW audit.complaint_changes AS
 SELECT change_id,
    complaint_id,
    changed_at,
    changed_by,
    change,
    before,
    after
   FROM motcua.complaint_changes;

-- Name: complaints; Type: TABLE; Schema: motcua; Owner: -

CREATE TABLE motcua.complaints (
    complaint_id bigint NOT NULL,
    entry_key text NOT NULL,
    agency_code text NOT NULL,
    dossier_code text,
    dossier_id bigint,
    message_id bigint,
    received_at timestamp with time zone NOT NULL,
    channel text NOT NULL,
    claim text NOT NULL,
    note text,
    recorded_by text NOT NULL,
    recorded_at timestamp with time zone NOT NULL,
    imported_from text,
    imported_sha256 text,
    imported_line integer,
    outcome text DEFAULT 'open'::text NOT NULL,
    outcome_by text,
    outcome_at timestamp with time zone,
    outcome_reason text,
    withdrawn_at timestamp with time zone,
    withdrawn_by text,
    withdraw_reason text,
    alike_no integer DEFAULT 1 NOT NULL,
    purged_at timestamp with time zone,
    erase_asked_at timestamp with time zone,
    CONSTRAINT complaints_alike_no_check CHECK ((alike_no > 0)),
    CONSTRAINT complaints_channel_check CHECK ((channel = ANY (ARRAY['hotline'::text, 'desk'::text, 'portal'::text, 'letter'::text, 'mail'::text, 'other'::text]))),
    CONSTRAINT complaints_check CHECK ((received_at <= recorded_at)),
    CONSTRAINT complaints_check1 CHECK (((dossier_id IS NULL) OR (dossier_code IS NOT NULL))),
    CONSTRAINT complaints_check2 CHECK (((message_id IS NULL) OR (dossier_id IS NOT NULL))),
    CONSTRAINT complaints_check3 CHECK ((num_nonnulls(imported_from, imported_sha256, imported_line) = ANY (ARRAY[0, 3]))),
    CONSTRAINT complaints_check4 CHECK (((outcome_by IS NULL) = (outcome_at IS NULL))),
    CONSTRAINT complaints_check5 CHECK (((outcome = 'open'::text) OR (outcome_at IS NOT NULL))),
    CONSTRAINT complaints_check6 CHECK (((withdrawn_at IS NULL) = (withdrawn_by IS NULL))),
    CONSTRAINT complaints_check7 CHECK (((withdraw_reason IS NULL) OR (withdrawn_at IS NOT NULL))),
    CONSTRAINT complaints_claim_check CHECK ((claim = ANY (ARRAY['no_result_yet'::text, 'wrong_person'::text, 'wrong_content'::text, 'never_received'::text, 'not_my_dossier'::text, 'other'::text]))),
    CONSTRAINT complaints_dossier_code_check CHECK (((char_length(dossier_code) >= 1) AND (char_length(dossier_code) <= 40))),
    CONSTRAINT complaints_entry_key_check CHECK ((entry_key ~ '^[0-9a-f]{64}$'::text)),
    CONSTRAINT complaints_imported_from_check CHECK ((btrim(imported_from) <> ''::text)),
    CONSTRAINT complaints_imported_line_check CHECK ((imported_line > 0)),
    CONSTRAINT complaints_imported_sha256_check CHECK ((imported_sha256 ~ '^[0-9a-f]{64}$'::text)),
    CONSTRAINT complaints_note_check CHECK (((char_length(note) >= 1) AND (char_length(note) <= 2000))),
    CONSTRAINT complaints_outcome_by_check CHECK ((btrim(outcome_by) <> ''::text)),
    CONSTRAINT complaints_outcome_check CHECK ((outcome = ANY (ARRAY['open'::text, 'upheld'::text, 'not_upheld'::text]))),
    CONSTRAINT complaints_outcome_reason_check CHECK (((char_length(outcome_reason) >= 1) AND (char_length(outcome_reason) <= 2000))),
    CONSTRAINT complaints_recorded_by_check CHECK ((btrim(recorded_by) <> ''::text)),
    CONSTRAINT complaints_withdraw_reason_check CHECK (((char_length(withdraw_reason) >= 1) AND (char_length(withdraw_reason) <= 2000))),
    CONSTRAINT complaints_withdrawn_by_check CHECK ((btrim(withdrawn_by) <> ''::text))
);

-- Name: complaints; Type: VIEW; Schema: audit; Owner: -

CREATE VIEW audit.complaints AS
 SELECT complaint_id,
    agency_code,
        CASE
            WHEN (dossier_id IS NOT NULL) THEN dossier_code
            ELSE NULL::text
        END AS dossier_code,
    dossier_id,
    message_id,
    received_at,
    channel,
    claim,
    recorded_by,
    recorded_at,
    imported_from,
    imported_sha256,
    imported_line,
    outcome,
    outcome_by,
    outcome_at,
    withdrawn_at,
    withdrawn_by,
    ( SELECT min(e.complaint_id) AS min
           FROM ( SELECT a.complaint_id,
                    a.received_at,
                    a.alike_no,
                    a.imported_sha256
                   FROM motcua.complaints a
                  WHERE ((a.dossier_id = c.dossier_id) AND (a.claim = c.claim) AND (a.withdrawn_at IS NULL))
                UNION ALL
                 SELECT a.complaint_id,
                    a.received_at,
                    a.alike_no,
                    a.imported_sha256
                   FROM motcua.complaints a
                  WHERE ((a.agency_code = c.agency_code) AND (motcua.code_key(a.dossier_code) = motcua.code_key(c.dossier_code)) AND (a.claim = c.claim) AND (a.dossier_code IS NOT NULL) AND (a.withdrawn_at IS NULL) AND ((a.dossier_id IS NULL) OR (c.dossier_id IS NULL)))) e
          WHERE ((c.withdrawn_at IS NULL) AND (e.complaint_id < c.complaint_id) AND (e.alike_no = c.alike_no) AND (((e.received_at AT TIME ZONE '07:00:00'::interval))::date = ((c.received_at AT TIME ZONE '07:00:00'::interval))::date) AND ((e.imported_sha256 <> c.imported_sha256) OR (e.imported_sha256 IS NULL) OR (c.imported_sha256 IS NULL)))) AS repeats
   FROM motcua.complaints c;

-- Name: dossier_versions; Type: TABLE; Schema: motcua; Owner: -

CREATE TABLE motcua.dossier_versions (
    version_id bigint NOT NULL,
    dossier_id bigint NOT NULL,
    seen_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone,
    procedure_code text,
    applicant_phone text,
    phone_entered_at timestamp with time zone,
    received_at timestamp with time zone,
    due_at timestamp with time zone,
    step_name text,
    status_code smallint,
    at_one_stop_desk boolean NOT NULL,
    finished_at timestamp with time zone,
    returned_at timestamp with time zone,
    submitted_via text DEFAULT ''::text,
    purged_at timestamp with time zone,
    CONSTRAINT dossier_versions_purged CHECK (((purged_at IS NULL) OR (applicant_phone IS NULL))),
    CONSTRAINT purge_time_can_be CHECK (((purged_at >= '2000-01-01 00:00:00+00'::timestamp with time zone) AND (purged_at < '9000-01-01 00:00:00+00'::timestamp with time zone)))
);

-- Name: dossier_versions; Type: VIEW; Schema: audit; Owner: -

CREATE VIEW audit.dossier_versions AS
 SELECT version_id,
    dossier_id,
    seen_at,
    updated_at,
    procedure_code,
    received_at,
    due_at,
    step_name,
    status_code,
    at_one_stop_desk,
    finished_at,
    returned_at,
    submitted_via
   FROM motcua.dossier_versions;

-- Name: dossiers; Type: TABLE; Schema: motcua; Owner: -

CREATE TABLE motcua.dossiers (
    dossier_id bigint NOT NULL,
    source_id smallint NOT NULL,
    agency_code text NOT NULL,
    dossier_code text NOT NULL,
    procedure_code text,
    applicant_name text,
    applicant_phone text,
    phone_entered_at timestamp with time zone,
    msisdn text,
    phone_refusal text,
    phone_notes text[] DEFAULT '{}'::text[] NOT NULL,
    submitted_via text,
    received_at timestamp with time zone,
    due_at timestamp with time zone,
    step_name text,
    status_code smallint,
    at_one_stop_desk boolean DEFAULT false NOT NULL,
    finished_at timestamp with time zone,
    returned_at timestamp with time zone,
    updated_at timestamp with time zone,
    picked_up_at timestamp with time zone NOT NULL,
    purged_at timestamp with time zone,
    erase_asked_at timestamp with time zone,
    stamped_at timestamp with time zone,
    CONSTRAINT dossiers_check CHECK (
CASE
    WHEN (purged_at IS NULL) THEN ((msisdn IS NULL) <> (phone_refusal IS NULL))
    ELSE (num_nonnulls(applicant_name, applicant_phone, msisdn) = 0)
END),
    CONSTRAINT dossiers_dossier_code_check CHECK (((char_length(dossier_code) >= 1) AND (char_length(dossier_code) <= 40))),
    CONSTRAINT dossiers_msisdn_check CHECK ((msisdn ~ '^\+[0-9]{8,15}$'::text)),
    CONSTRAINT dossiers_status_code_check CHECK (((status_code >= 1) AND (status_code <= 10))),
    CONSTRAINT purge_times_can_be CHECK (COALESCE(((LEAST(purged_at, erase_asked_at) >= '2000-01-01 00:00:00+00'::timestamp with time zone) AND (GREATEST(purged_at, erase_asked_at) < '9000-01-01 00:00:00+00'::timestamp with time zone)), true))
);

-- Name: dossiers; Type: VIEW; Schema: audit; Owner: -

CREATE VIEW audit.dossiers AS
 SELECT dossier_id,
    source_id,
    agency_code,
    dossier_code,
    procedure_code,
    phone_refusal,
    phone_notes,
    submitted_via,
    received_at,
    due_at,
    step_name,
    status_code,
    at_one_stop_desk,
    finished_at,
    returned_at,
    updated_at,
    picked_up_at
   FROM motcua.dossiers;

-- Name: finding_acknowledgements; Type: TABLE; Schema: motcua; Owner: -

CREATE TABLE motcua.finding_acknowledgements (
    acknowledgement_id bigint NOT NULL,
    finding_id bigint NOT NULL,
    acknowledged_at timestamp with time zone NOT NULL,
    acknowledged_by text NOT NULL,
    why text NOT NULL,
    until date NOT NULL,
    CONSTRAINT finding_acknowledgements_acknowledged_by_check CHECK ((btrim(acknowledged_by) <> ''::text)),
    CONSTRAINT finding_acknowledgements_why_check CHECK ((btrim(why) <> ''::text))
);

-- Name: finding_acknowledgements; Type: VIEW; Schema: audit; Owner: -

CREATE VIEW audit.finding_acknowledgements AS
 SELECT acknowledgement_id,
    finding_id,
    acknowledged_at,
    acknowledged_by,
    why,
    until
   FROM motcua.finding_acknowledgements;

-- Name: finding_episodes; Type: TABLE; Schema: motcua; Owner: -

CREATE TABLE motcua.finding_episodes (
    finding_id bigint NOT NULL,
    opened_run bigint NOT NULL,
    closed_run bigint,
    again boolean NOT NULL,
    deadline date,
    department_on date,
    CONSTRAINT finding_episodes_check CHECK ((closed_run > opened_run)),
    CONSTRAINT finding_episodes_check1 CHECK (((deadline IS NULL) = (department_on IS NULL))),
    CONSTRAINT finding_episodes_check2 CHECK ((department_on >= deadline))
);

-- Name: finding_episodes; Type: VIEW; Schema: audit; Owner: -

CREATE VIEW audit.finding_episodes AS
 SELECT finding_id,
    opened_run,
    closed_run,
    again,
    deadline,
    department_on
   FROM motcua.finding_episodes;

-- Name: finding_rechecks; Type: TABLE; Schema: motcua; Owner: -

CREATE TABLE motcua.finding_rechecks (
    recheck_id bigint NOT NULL,
    finding_id bigint NOT NULL,
    rechecked_at timestamp with time zone NOT NULL,
    rechecked_by text NOT NULL,
    outcome text NOT NULL,
    CONSTRAINT finding_rechecks_outcome_check CHECK ((outcome = ANY (ARRAY['mended'::text, 'stands'::text, 'unknown'::text]))),
    CONSTRAINT finding_rechecks_rechecked_by_check CHECK ((btrim(rechecked_by) <> ''::text))
);

-- Name: finding_rechecks; Type: VIEW; Schema: audit; Owner: -

CREATE VIEW audit.finding_rechecks AS
 SELECT recheck_id,
    finding_id,
    rechecked_at,
    rechecked_by,
    outcome
   FROM motcua.finding_rechecks;

-- Name: findings; Type: TABLE; Schema: motcua; Owner: -

CREATE TABLE motcua.findings (
    finding_id bigint CONSTRAINT findings_finding_id_not_null1 NOT NULL,
    rule text NOT NULL,
    subject text NOT NULL,
    level text NOT NULL,
    agency_code text,
    dossier_id bigint,
    since timestamp with time zone,
    facts jsonb NOT NULL,
    first_run bigint NOT NULL,
    CONSTRAINT findings_check CHECK (((level = 'dossier'::text) = (dossier_id IS NOT NULL))),
    CONSTRAINT findings_check1 CHECK (((level = 'source'::text) OR (agency_code IS NOT NULL))),
    CONSTRAINT findings_level_check CHECK ((level = ANY (ARRAY['dossier'::text, 'agency_month'::text, 'source'::text])))
);

-- Name: findings; Type: VIEW; Schema: audit; Owner: -

CREATE VIEW audit.findings AS
 SELECT finding_id,
    rule,
    subject,
    level,
    agency_code,
    dossier_id,
    since,
    facts,
    first_run
   FROM motcua.findings;

-- Name: gaps; Type: TABLE; Schema: motcua; Owner: -

CREATE TABLE motcua.gaps (
    gap_no bigint NOT NULL,
    kind text NOT NULL,
    noticed_at timestamp with time zone NOT NULL,
    ledger_until timestamp with time zone,
    journal_until timestamp with time zone,
    lost_attempts integer NOT NULL,
    held_messages integer NOT NULL,
    sent_until timestamp with time zone,
    closed_at timestamp with time zone,
    closed_by text,
    reason text,
    slept_since timestamp with time zone,
    held_until timestamp with time zone,
    CONSTRAINT gaps_check CHECK (((closed_at IS NULL) = (closed_by IS NULL))),
    CONSTRAINT gaps_check1 CHECK (((sent_until IS NULL) OR (closed_at IS NOT NULL))),
    CONSTRAINT gaps_held_messages_check CHECK ((held_messages >= 0)),
    CONSTRAINT gaps_lost_attempts_check CHECK ((lost_attempts >= 0))
);

-- Name: gaps; Type: VIEW; Schema: audit; Owner: -

CREATE VIEW audit.gaps AS
 SELECT gap_no,
    kind,
    noticed_at,
    ledger_until,
    journal_until,
    lost_attempts,
    held_messages,
    sent_until,
    closed_at,
    closed_by,
    reason,
    slept_since,
    held_until
   FROM motcua.gaps;

-- Name: gateway_changes; Type: TABLE; Schema: motcua; Owner: -

CREATE TABLE motcua.gateway_changes (
    change_id bigint NOT NULL,
    gateway text NOT NULL,
    concerns text NOT NULL,
    subject text NOT NULL,
    changed_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    change text NOT NULL,
    until timestamp with time zone,
    reason text NOT NULL,
    changed_by text NOT NULL,
    CONSTRAINT gateway_changes_change_check CHECK ((change = ANY (ARRAY['stopped'::text, 'started'::text])))
);

-- Name: gateway_changes; Type: VIEW; Schema: audit; Owner: -

CREATE VIEW audit.gateway_changes AS
 SELECT change_id,
    gateway,
    concerns,
    subject,
    changed_at,
    change,
    until,
    reason,
    changed_by
   FROM motcua.gateway_changes;

-- Name: gateway_days; Type: TABLE; Schema: motcua; Owner: -

CREATE TABLE motcua.gateway_days (
    gateway text NOT NULL,
    day date NOT NULL,
    segments integer NOT NULL,
    CONSTRAINT gateway_days_segments_check CHECK ((segments >= 0))
);

-- Name: gateway_days; Type: VIEW; Schema: audit; Owner: -

CREATE VIEW audit.gateway_days AS
 SELECT gateway,
    day,
    segments
   FROM motcua.gateway_days;

-- Name: inquiries; Type: TABLE; Schema: motcua; Owner: -

CREATE TABLE motcua.inquiries (
    inquiry_id bigint NOT NULL,
    gateway text NOT NULL,
    gateway_message_id text,
    dedupe_key text,
    received_at timestamp with time zone NOT NULL,
    msisdn text,
    text text,
    asked_code text,
    outcome text NOT NULL,
    dossier_id bigint,
    agency_code text,
    as_of timestamp with time zone,
    told_result boolean DEFAULT false NOT NULL,
    fee integer NOT NULL,
    message_id bigint NOT NULL,
    counted_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    purged_at timestamp with time zone,
    CONSTRAINT inquiries_check CHECK (((outcome = 'answered'::text) = (dossier_id IS NOT NULL))),
    CONSTRAINT inquiries_check1 CHECK (((dossier_id IS NULL) = (as_of IS NULL))),
    CONSTRAINT inquiries_check2 CHECK (((dossier_id IS NULL) = (agency_code IS NULL))),
    CONSTRAINT inquiries_check3 CHECK (((dossier_id IS NOT NULL) OR (NOT told_result))),
    CONSTRAINT inquiries_fee_check CHECK ((fee >= 0)),
    CONSTRAINT inquiries_outcome_check CHECK ((outcome = ANY (ARRAY['answered'::text, 'help'::text, 'unknown_code'::text, 'several_agencies'::text, 'too_many'::text, 'service_off'::text, 'error'::text])))
);

-- Name: inquiries; Type: VIEW; Schema: audit; Owner: -

CREATE VIEW audit.inquiries AS
 SELECT inquiry_id,
    gateway,
    motcua.without_numbers(gateway_message_id) AS gateway_message_id,
    received_at,
    outcome,
    dossier_id,
    agency_code,
    as_of,
    told_result,
    fee,
    message_id,
    counted_at
   FROM motcua.inquiries;

-- Name: lost_attempts; Type: TABLE; Schema: motcua; Owner: -

CREATE TABLE motcua.lost_attempts (
    lost_id bigint NOT NULL,
    gap_no bigint NOT NULL,
    reference text NOT NULL,
    gateway text NOT NULL,
    departed_at timestamp with time zone NOT NULL,
    source text NOT NULL,
    agency_code text NOT NULL,
    dossier_code text NOT NULL,
    kind text NOT NULL,
    occasion text NOT NULL,
    segments smallint,
    outcome text,
    answered_at timestamp with time zone,
    gateway_reference text,
    message_id bigint,
    adopted_at timestamp with time zone,
    CONSTRAINT lost_attempts_check CHECK (((message_id IS NULL) = (adopted_at IS NULL))),
    CONSTRAINT lost_attempts_outcome_check CHECK ((outcome = ANY (ARRAY['accepted'::text, 'duplicate'::text, 'phone'::text, 'configuration'::text, 'transient'::text, 'unknown'::text])))
);

-- Name: lost_attempts; Type: VIEW; Schema: audit; Owner: -

CREATE VIEW audit.lost_attempts AS
 SELECT lost_id,
    gap_no,
    reference,
    gateway,
    departed_at,
    source,
    agency_code,
    dossier_code,
    kind,
    occasion,
    segments,
    outcome,
    answered_at,
    motcua.without_numbers(gateway_reference) AS gateway_reference,
    message_id,
    adopted_at
   FROM motcua.lost_attempts;

-- Name: message_history; Type: TABLE; Schema: motcua; Owner: -

CREATE TABLE motcua.message_history (
    history_id bigint NOT NULL,
    message_id bigint NOT NULL,
    changed_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    from_state text,
    from_reason text,
    to_state text NOT NULL,
    to_reason text,
    run_no bigint DEFAULT (NULLIF(current_setting('motcua.run'::text, true), ''::text))::bigint
);

-- Name: message_history; Type: VIEW; Schema: audit; Owner: -

CREATE VIEW audit.message_history AS
 SELECT history_id,
    message_id,
    changed_at,
    from_state,
    from_reason,
    to_state,
    to_reason
   FROM motcua.message_history;

-- Name: messages; Type: TABLE; Schema: motcua; Owner: -

CREATE TABLE motcua.messages (
    message_id bigint NOT NULL,
    kind text NOT NULL,
    dossier_id bigint,
    agency_code text,
    procedure_code text,
    occasion text NOT NULL,
    transition_id bigint,
    state text NOT NULL,
    reason text,
    msisdn text,
    text text NOT NULL,
    template_id text NOT NULL,
    template_version smallint NOT NULL,
    parameters text[] NOT NULL,
    accented boolean NOT NULL,
    segments smallint NOT NULL,
    occurred_at timestamp with time zone NOT NULL,
    recorded_at timestamp with time zone NOT NULL,
    planned_at timestamp with time zone NOT NULL,
    useful_until timestamp with time zone NOT NULL,
    next_attempt_at timestamp with time zone NOT NULL,
    attempts_made smallint DEFAULT 0 NOT NULL,
    accepted_at timestamp with time zone,
    changed_at timestamp with time zone NOT NULL,
    carrier text,
    avoid text[] DEFAULT '{}'::text[] NOT NULL,
    purged_at timestamp with time zone,
    CONSTRAINT messages_check CHECK (((dossier_id IS NOT NULL) OR (kind = 'reply'::text))),
    CONSTRAINT messages_check1 CHECK (((transition_id IS NOT NULL) OR (kind <> ALL (ARRAY['result'::text, 'supplement'::text])))),
    CONSTRAINT messages_check2 CHECK (((state <> ALL (ARRAY['suppressed'::text, 'cancelled'::text, 'expired'::text, 'rejected'::text])) OR (reason IS NOT NULL))),
    CONSTRAINT messages_check3 CHECK (((state <> 'suppressed'::text) OR (reason = ANY (ARRAY['missing'::text, 'too_short'::text, 'too_long'::text, 'bad_chars'::text, 'landline'::text, 'ambiguous_landline'::text, 'service_1800_1900'::text, 'emergency_short'::text, 'dummy'::text, 'repeated_digits'::text, 'sequence'::text, 'foreign'::text, 'id_card_like'::text, 'not_a_phone'::text, 'same_day'::text, 'kind_off'::text, 'already_told'::text])))),
    CONSTRAINT messages_kind_check CHECK ((kind = ANY (ARRAY['result'::text, 'supplement'::text, 'apology'::text, 'reply'::text]))),
    CONSTRAINT messages_purged CHECK (((purged_at IS NULL) OR ((msisdn IS NULL) AND (text = ''::text) AND (parameters = '{}'::text[])))),
    CONSTRAINT messages_segments_check CHECK ((segments > 0))
);

-- Name: messages; Type: VIEW; Schema: audit; Owner: -

CREATE VIEW audit.messages AS
 SELECT message_id,
    kind,
    dossier_id,
    agency_code,
    procedure_code,
    occasion,
    transition_id,
    state,
    reason,
    template_id,
    template_version,
    accented,
    segments,
    occurred_at,
    recorded_at,
    planned_at,
    useful_until,
    next_attempt_at,
    attempts_made,
    accepted_at,
    changed_at,
    carrier
   FROM motcua.messages;

-- Name: office_hours; Type: TABLE; Schema: motcua; Owner: -

CREATE TABLE motcua.office_hours (
    agency_code text NOT NULL,
    valid_from date NOT NULL,
    opens time without time zone NOT NULL,
    morning_ends time without time zone NOT NULL,
    afternoon_begins time without time zone NOT NULL,
    closes time without time zone NOT NULL,
    saturday_mornings boolean NOT NULL,
    authority text NOT NULL,
    CONSTRAINT office_hours_authority_check CHECK ((btrim(authority) <> ''::text)),
    CONSTRAINT office_hours_check CHECK (((opens < morning_ends) AND (morning_ends <= afternoon_begins) AND (afternoon_begins < closes)))
);

-- Name: office_hours; Type: VIEW; Schema: audit; Owner: -

CREATE VIEW audit.office_hours AS
 SELECT agency_code,
    valid_from,
    opens,
    morning_ends,
    afternoon_begins,
    closes,
    saturday_mornings,
    authority
   FROM motcua.office_hours;

-- Name: old_steps; Type: TABLE; Schema: motcua; Owner: -

CREATE TABLE motcua.old_steps (
    transition_id bigint NOT NULL,
    source_id smallint NOT NULL,
    dossier_id bigint NOT NULL,
    known_from bigint NOT NULL,
    read_from timestamp with time zone NOT NULL,
    marked_at timestamp with time zone NOT NULL,
    ask_at timestamp with time zone,
    version_id bigint,
    has_force boolean,
    CONSTRAINT old_steps_check CHECK ((known_from >= transition_id)),
    CONSTRAINT old_steps_check1 CHECK (((version_id IS NULL) = (has_force IS NULL))),
    CONSTRAINT old_steps_check2 CHECK (((version_id IS NULL) OR (ask_at IS NULL)))
);

-- Name: old_steps; Type: VIEW; Schema: audit; Owner: -

CREATE VIEW audit.old_steps AS
 SELECT transition_id,
    source_id,
    dossier_id,
    known_from,
    read_from,
    marked_at,
    version_id,
    has_force
   FROM motcua.old_steps;

-- Name: page_requests; Type: TABLE; Schema: motcua; Owner: -

CREATE TABLE motcua.page_requests (
    request_no bigint NOT NULL,
    kind text NOT NULL,
    subject text,
    wanted jsonb NOT NULL,
    asked_at timestamp with time zone DEFAULT now() NOT NULL,
    asked_by text NOT NULL,
    told_at timestamp with time zone,
    applies_at timestamp with time zone,
    told jsonb,
    untold_because text,
    ended_at timestamp with time zone,
    ended_by text,
    outcome text,
    released integer,
    CONSTRAINT page_requests_asked_by_check CHECK (((btrim(asked_by) <> ''::text) AND (length(asked_by) <= 200))),
    CONSTRAINT page_requests_check CHECK ((((told_at IS NULL) = (applies_at IS NULL)) AND ((told_at IS NULL) = (told IS NULL)))),
    CONSTRAINT page_requests_check1 CHECK ((applies_at >= told_at)),
    CONSTRAINT page_requests_check2 CHECK (((ended_at IS NULL) = (outcome IS NULL))),
    CONSTRAINT page_requests_check3 CHECK (((outcome = 'withdrawn'::text) = (ended_by IS NOT NULL))),
    CONSTRAINT page_requests_check4 CHECK (((ended_at IS NULL) OR (NOT (wanted ? 'addresses'::text)))),
    CONSTRAINT page_requests_ended_by_check CHECK (((btrim(ended_by) <> ''::text) AND (length(ended_by) <= 200))),
    CONSTRAINT page_requests_kind_check CHECK ((kind = ANY (ARRAY['map_status'::text, 'release'::text, 'recipients'::text, 'export_form'::text]))),
    CONSTRAINT page_requests_outcome_check CHECK ((outcome = ANY (ARRAY['done'::text, 'withdrawn'::text, 'changed'::text, 'nothing_left'::text, 'refused'::text]))),
    CONSTRAINT page_requests_subject_check CHECK ((btrim(subject) <> ''::text)),
    CONSTRAINT page_requests_wanted_check CHECK (((jsonb_typeof(wanted) = 'object'::text) AND (octet_length((wanted)::text) <= 65536)))
);

-- Name: page_requests; Type: VIEW; Schema: audit; Owner: -

CREATE VIEW audit.page_requests AS
 SELECT request_no,
    kind,
    subject,
    (wanted - 'addresses'::text) AS wanted,
    asked_at,
    asked_by,
    told_at,
    applies_at,
    told,
    untold_because,
    ended_at,
    ended_by,
    outcome,
    released
   FROM motcua.page_requests;

-- Name: personal_data_purges; Type: TABLE; Schema: motcua; Owner: -

CREATE TABLE motcua.personal_data_purges (
    purge_id bigint NOT NULL,
    reference text NOT NULL,
    purged_at timestamp with time zone NOT NULL,
    cause text NOT NULL,
    of_table text NOT NULL,
    emptied integer NOT NULL,
    purged_by text NOT NULL,
    reason text,
    run_no bigint DEFAULT (NULLIF(current_setting('motcua.run'::text, true), ''::text))::bigint,
    CONSTRAINT personal_data_purges_cause_check CHECK ((cause = ANY (ARRAY['term'::text, 'request'::text, 'restore'::text]))),
    CONSTRAINT personal_data_purges_check CHECK (((cause <> 'request'::text) OR (reason IS NOT NULL))),
    CONSTRAINT personal_data_purges_emptied_check CHECK ((emptied >= 0)),
    CONSTRAINT personal_data_purges_of_table_check CHECK ((of_table ~ '^[a-z_]+$'::text)),
    CONSTRAINT personal_data_purges_purged_by_check CHECK ((btrim(purged_by) <> ''::text)),
    CONSTRAINT personal_data_purges_reason_check CHECK ((btrim(reason) <> ''::text)),
    CONSTRAINT personal_data_purges_reference_check CHECK ((reference ~ '^[0-9a-f]{32}$'::text))
);

-- Name: personal_data_purges; Type: VIEW; Schema: audit; Owner: -

CREATE VIEW audit.personal_data_purges AS
 SELECT purge_id,
    reference,
    purged_at,
    cause,
    of_table,
    emptied,
    purged_by,
    reason
   FROM motcua.personal_data_purges;

-- Name: personal_data_requests; Type: TABLE; Schema: motcua; Owner: -

CREATE TABLE motcua.personal_data_requests (
    request_id bigint NOT NULL,
    handled_at timestamp with time zone NOT NULL,
    handled_by text NOT NULL,
    act text NOT NULL,
    agency_code text,
    dossier_code text,
    reason text NOT NULL,
    dossiers integer NOT NULL,
    held integer NOT NULL,
    CONSTRAINT personal_data_requests_act_check CHECK ((act = ANY (ARRAY['export'::text, 'erase'::text]))),
    CONSTRAINT personal_data_requests_check CHECK (((agency_code IS NULL) = (dossier_code IS NULL))),
    CONSTRAINT personal_data_requests_dossiers_check CHECK ((dossiers >= 0)),
    CONSTRAINT personal_data_requests_handled_by_check CHECK ((btrim(handled_by) <> ''::text)),
    CONSTRAINT personal_data_requests_held_check CHECK ((held >= 0)),
    CONSTRAINT personal_data_requests_reason_check CHECK ((btrim(reason) <> ''::text))
);

-- Name: personal_data_requests; Type: VIEW; Schema: audit; Owner: -

CREATE VIEW audit.personal_data_requests AS
 SELECT request_id,
    handled_at,
    handled_by,
    act,
    agency_code,
    dossier_code,
    reason,
    dossiers,
    held
   FROM motcua.personal_data_requests r;

-- Name: phone_searches; Type: TABLE; Schema: motcua; Owner: -

CREATE TABLE motcua.phone_searches (
    search_id bigint NOT NULL,
    searched_at timestamp with time zone NOT NULL,
    searched_by text NOT NULL,
    agencies text[],
    found integer NOT NULL,
    CONSTRAINT phone_searches_found_check CHECK ((found >= 0)),
    CONSTRAINT phone_searches_searched_by_check CHECK ((btrim(searched_by) <> ''::text))
);

-- Name: phone_searches; Type: VIEW; Schema: audit; Owner: -

CREATE VIEW audit.phone_searches AS
 SELECT search_id,
    searched_at,
    searched_by,
    agencies,
    found
   FROM motcua.phone_searches s;

-- Name: portal_figures; Type: TABLE; Schema: motcua; Owner: -

CREATE TABLE motcua.portal_figures (
    figure_no bigint NOT NULL,
    agency_code text NOT NULL,
    period text NOT NULL,
    received integer NOT NULL,
    resolved integer NOT NULL,
    returned integer,
    handed_in_by text NOT NULL,
    handed_in_at timestamp with time zone NOT NULL,
    file_name text NOT NULL,
    file_sha256 text NOT NULL,
    file_line integer NOT NULL,
    replaces bigint,
    CONSTRAINT portal_figures_file_line_check CHECK ((file_line > 0)),
    CONSTRAINT portal_figures_file_sha256_check CHECK ((file_sha256 ~ '^[0-9a-f]{64}$'::text)),
    CONSTRAINT portal_figures_handed_in_by_check CHECK ((btrim(handed_in_by) <> ''::text)),
    CONSTRAINT portal_figures_period_check CHECK ((period ~ '^[0-9]{4}-[0-9]{2}(-[0-9]{2})?$'::text)),
    CONSTRAINT portal_figures_received_check CHECK ((received >= 0)),
    CONSTRAINT portal_figures_resolved_check CHECK ((resolved >= 0)),
    CONSTRAINT portal_figures_returned_check CHECK ((returned >= 0))
);

-- Name: portal_figures; Type: VIEW; Schema: audit; Owner: -

CREATE VIEW audit.portal_figures AS
 SELECT figure_no,
    agency_code,
    period,
    received,
    resolved,
    returned,
    handed_in_by,
    handed_in_at,
    file_name,
    file_sha256,
    file_line,
    replaces
   FROM motcua.portal_figures;

-- Name: publication_verifications; Type: TABLE; Schema: motcua; Owner: -

CREATE TABLE motcua.publication_verifications (
    verification_no bigint NOT NULL,
    publication_no bigint NOT NULL,
    verified_at timestamp with time zone NOT NULL,
    verified_by text NOT NULL,
    faults integer NOT NULL,
    CONSTRAINT publication_verifications_faults_check CHECK ((faults >= 0)),
    CONSTRAINT publication_verifications_verified_by_check CHECK ((btrim(verified_by) <> ''::text))
);

-- Name: publication_verifications; Type: VIEW; Schema: audit; Owner: -

CREATE VIEW audit.publication_verifications AS
 SELECT verification_no,
    publication_no,
    verified_at,
    verified_by,
    faults
   FROM motcua.publication_verifications;

-- Name: publications; Type: TABLE; Schema: motcua; Owner: -

CREATE TABLE motcua.publications (
    publication_no bigint NOT NULL,
    closing_no bigint NOT NULL,
    corrects bigint,
    folder text NOT NULL,
    manifest_sha256 text NOT NULL,
    previous_sha256 text NOT NULL,
    manifest jsonb NOT NULL,
    published_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT publications_manifest_sha256_check CHECK ((manifest_sha256 ~ '^[0-9a-f]{64}$'::text)),
    CONSTRAINT publications_previous_sha256_check CHECK ((previous_sha256 ~ '^[0-9a-f]{64}$'::text)),
    CONSTRAINT publications_publication_no_check CHECK ((publication_no > 0))
);

-- Name: publications; Type: VIEW; Schema: audit; Owner: -

CREATE VIEW audit.publications AS
 SELECT publication_no,
    closing_no,
    corrects,
    folder,
    manifest_sha256,
    previous_sha256,
    manifest,
    published_at
   FROM motcua.publications;

-- Name: quality_agencies; Type: TABLE; Schema: motcua; Owner: -

CREATE TABLE motcua.quality_agencies (
    run_no bigint NOT NULL,
    agency_code text NOT NULL,
    dossiers integer NOT NULL,
    textable integer NOT NULL,
    CONSTRAINT quality_agencies_check CHECK (((textable >= 0) AND (textable <= dossiers))),
    CONSTRAINT quality_agencies_dossiers_check CHECK ((dossiers >= 0))
);

-- Name: quality_agencies; Type: VIEW; Schema: audit; Owner: -

CREATE VIEW audit.quality_agencies AS
 SELECT run_no,
    agency_code,
    dossiers,
    textable
   FROM motcua.quality_agencies;

-- Name: quality_broken_agencies; Type: TABLE; Schema: motcua; Owner: -

CREATE TABLE motcua.quality_broken_agencies (
    run_no bigint NOT NULL,
    agency_code text,
    fault text NOT NULL,
    CONSTRAINT quality_broken_agencies_fault_check CHECK ((fault ~ '^[a-z_]+$'::text))
);

-- Name: quality_broken_agencies; Type: VIEW; Schema: audit; Owner: -

CREATE VIEW audit.quality_broken_agencies AS
 SELECT run_no,
    agency_code,
    fault
   FROM motcua.quality_broken_agencies;

-- Name: quality_counts; Type: TABLE; Schema: motcua; Owner: -

CREATE TABLE motcua.quality_counts (
    run_no bigint NOT NULL,
    rule text NOT NULL,
    agency_code text,
    found integer NOT NULL,
    acknowledged integer NOT NULL,
    remind_agency integer NOT NULL,
    remind_department integer NOT NULL,
    CONSTRAINT quality_counts_check CHECK (((acknowledged >= 0) AND (acknowledged <= found))),
    CONSTRAINT quality_counts_found_check CHECK ((found > 0)),
    CONSTRAINT quality_counts_remind_agency_check CHECK ((remind_agency >= 0)),
    CONSTRAINT quality_counts_remind_department_check CHECK ((remind_department >= 0))
);

-- Name: quality_counts; Type: VIEW; Schema: audit; Owner: -

CREATE VIEW audit.quality_counts AS
 SELECT run_no,
    rule,
    agency_code,
    found,
    acknowledged,
    remind_agency,
    remind_department
   FROM motcua.quality_counts;

-- Name: quality_results; Type: TABLE; Schema: motcua; Owner: -

CREATE TABLE motcua.quality_results (
    run_no bigint NOT NULL,
    rule text NOT NULL,
    status text NOT NULL,
    broken_reason text,
    found integer NOT NULL,
    rows_hash text,
    CONSTRAINT quality_results_check CHECK (((status = 'broken'::text) = (broken_reason IS NOT NULL))),
    CONSTRAINT quality_results_check1 CHECK (((status = 'broken'::text) = (rows_hash IS NULL))),
    CONSTRAINT quality_results_check2 CHECK (((status = 'checked'::text) OR (found = 0))),
    CONSTRAINT quality_results_found_check CHECK ((found >= 0)),
    CONSTRAINT quality_results_rows_hash_check CHECK ((rows_hash ~ '^[0-9a-f]{64}$'::text)),
    CONSTRAINT quality_results_status_check CHECK ((status = ANY (ARRAY['checked'::text, 'broken'::text])))
);

-- Name: quality_results; Type: VIEW; Schema: audit; Owner: -

CREATE VIEW audit.quality_results AS
 SELECT run_no,
    rule,
    status,
    broken_reason,
    found,
    rows_hash
   FROM motcua.quality_results;

-- Name: quality_runs; Type: TABLE; Schema: motcua; Owner: -

CREATE TABLE motcua.quality_runs (
    run_no bigint NOT NULL,
    run_id text NOT NULL,
    as_of timestamp with time zone NOT NULL,
    day date NOT NULL,
    working_day boolean NOT NULL,
    since date NOT NULL,
    data_as_of timestamp with time zone,
    rules jsonb NOT NULL,
    thresholds jsonb NOT NULL,
    software text NOT NULL,
    dossiers integer NOT NULL,
    findings integer DEFAULT 0 NOT NULL,
    broken integer DEFAULT 0 NOT NULL,
    content_hash text,
    previous_seal text,
    seal text,
    sealed_at timestamp with time zone,
    CONSTRAINT quality_runs_broken_check CHECK ((broken >= 0)),
    CONSTRAINT quality_runs_check CHECK ((since <= day)),
    CONSTRAINT quality_runs_check1 CHECK (((sealed_at IS NULL) = (seal IS NULL))),
    CONSTRAINT quality_runs_check2 CHECK (((sealed_at IS NULL) = (content_hash IS NULL))),
    CONSTRAINT quality_runs_check3 CHECK (((sealed_at IS NULL) = (previous_seal IS NULL))),
    CONSTRAINT quality_runs_content_hash_check CHECK ((content_hash ~ '^[0-9a-f]{64}$'::text)),
    CONSTRAINT quality_runs_dossiers_check CHECK ((dossiers >= 0)),
    CONSTRAINT quality_runs_findings_check CHECK ((findings >= 0)),
    CONSTRAINT quality_runs_previous_seal_check CHECK ((previous_seal ~ '^[0-9a-f]{64}$'::text)),
    CONSTRAINT quality_runs_run_id_check CHECK ((btrim(run_id) <> ''::text)),
    CONSTRAINT quality_runs_seal_check CHECK ((seal ~ '^[0-9a-f]{64}$'::text))
);

-- Name: quality_runs; Type: VIEW; Schema: audit; Owner: -

CREATE VIEW audit.quality_runs AS
 SELECT run_no,
    run_id,
    as_of,
    day,
    working_day,
    since,
    data_as_of,
    rules,
    thresholds,
    software,
    dossiers,
    findings,
    broken,
    content_hash,
    previous_seal,
    seal,
    sealed_at
   FROM motcua.quality_runs;

-- Name: quality_shares; Type: TABLE; Schema: motcua; Owner: -

CREATE TABLE motcua.quality_shares (
    run_no bigint NOT NULL,
    agency_code text NOT NULL,
    dimension text NOT NULL,
    key text NOT NULL,
    month date NOT NULL,
    dossiers integer NOT NULL,
    textable integer NOT NULL,
    previous_dossiers integer NOT NULL,
    previous_textable integer NOT NULL,
    CONSTRAINT quality_shares_check CHECK (((textable >= 0) AND (textable <= dossiers))),
    CONSTRAINT quality_shares_check1 CHECK (((previous_textable >= 0) AND (previous_textable <= previous_dossiers))),
    CONSTRAINT quality_shares_check2 CHECK (((dimension = 'agency'::text) = (key = ''::text))),
    CONSTRAINT quality_shares_dimension_check CHECK ((dimension = ANY (ARRAY['agency'::text, 'procedure'::text, 'desk_user'::text]))),
    CONSTRAINT quality_shares_dossiers_check CHECK ((dossiers > 0)),
    CONSTRAINT quality_shares_month_check CHECK ((EXTRACT(day FROM month) = (1)::numeric)),
    CONSTRAINT quality_shares_previous_dossiers_check CHECK ((previous_dossiers >= 0))
);

-- Name: quality_shares; Type: VIEW; Schema: audit; Owner: -

CREATE VIEW audit.quality_shares AS
 SELECT run_no,
    agency_code,
    dimension,
    key,
    month,
    dossiers,
    textable,
    previous_dossiers,
    previous_textable
   FROM motcua.quality_shares;

-- Name: quality_sources; Type: TABLE; Schema: motcua; Owner: -

CREATE TABLE motcua.quality_sources (
    run_no bigint NOT NULL,
    source_id smallint NOT NULL,
    picked_up_at timestamp with time zone,
    last_transition_at timestamp with time zone,
    quarantined integer NOT NULL,
    failing boolean NOT NULL,
    CONSTRAINT quality_sources_quarantined_check CHECK ((quarantined >= 0))
);

-- Name: quality_sources; Type: VIEW; Schema: audit; Owner: -

CREATE VIEW audit.quality_sources AS
 SELECT run_no,
    source_id,
    picked_up_at,
    last_transition_at,
    quarantined,
    failing
   FROM motcua.quality_sources;

-- Name: quality_suggestions; Type: TABLE; Schema: motcua; Owner: -

CREATE TABLE motcua.quality_suggestions (
    run_no bigint NOT NULL,
    agency_code text NOT NULL,
    kind text NOT NULL,
    facts jsonb NOT NULL,
    CONSTRAINT quality_suggestions_kind_check CHECK ((kind = ANY (ARRAY['hold_time'::text, 'desk_user'::text, 'procedure'::text])))
);

-- Name: quality_suggestions; Type: VIEW; Schema: audit; Owner: -

CREATE VIEW audit.quality_suggestions AS
 SELECT run_no,
    agency_code,
    kind,
    facts
   FROM motcua.quality_suggestions;

-- Name: quality_withheld; Type: TABLE; Schema: motcua; Owner: -

CREATE TABLE motcua.quality_withheld (
    run_no bigint NOT NULL,
    finding_id bigint NOT NULL
);

-- Name: quality_withheld; Type: VIEW; Schema: audit; Owner: -

CREATE VIEW audit.quality_withheld AS
 SELECT run_no,
    finding_id
   FROM motcua.quality_withheld;

-- Name: quarantine; Type: TABLE; Schema: motcua; Owner: -

CREATE TABLE motcua.quarantine (
    quarantine_id bigint NOT NULL,
    source_id smallint NOT NULL,
    row_kind text NOT NULL,
    row_key text NOT NULL,
    reason text NOT NULL,
    agency_code text,
    dossier_code text,
    status_code integer,
    payload jsonb NOT NULL,
    first_seen_at timestamp with time zone NOT NULL,
    last_seen_at timestamp with time zone NOT NULL,
    released_at timestamp with time zone,
    run_no bigint DEFAULT (NULLIF(current_setting('motcua.run'::text, true), ''::text))::bigint,
    purged_at timestamp with time zone,
    CONSTRAINT quarantine_reason_check CHECK ((reason = ANY (ARRAY['agency_missing'::text, 'agency_unknown'::text, 'status_missing'::text, 'status_unknown'::text, 'code_missing'::text, 'code_unusable'::text, 'number_missing'::text, 'dossier_missing'::text]))),
    CONSTRAINT quarantine_row_kind_check CHECK ((row_kind = ANY (ARRAY['transition'::text, 'dossier'::text])))
);

-- Name: quarantine; Type: VIEW; Schema: audit; Owner: -

CREATE VIEW audit.quarantine AS
 SELECT quarantine_id,
    source_id,
    row_kind,
    reason,
    agency_code,
    status_code,
    first_seen_at,
    last_seen_at,
    released_at
   FROM motcua.quarantine;

-- Name: receipt_readings; Type: TABLE; Schema: motcua; Owner: -

CREATE TABLE motcua.receipt_readings (
    receipt_id bigint NOT NULL,
    attempt_id bigint,
    meaning text NOT NULL,
    effect text NOT NULL,
    read_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT receipt_readings_effect_check CHECK ((effect = ANY (ARRAY['applied'::text, 'no_change'::text, 'unknown_reference'::text]))),
    CONSTRAINT receipt_readings_meaning_check CHECK ((meaning = ANY (ARRAY['accepted'::text, 'delivered'::text, 'undelivered'::text, 'refused'::text, 'absent'::text, 'pending'::text, 'unreadable'::text])))
);

-- Name: receipts; Type: TABLE; Schema: motcua; Owner: -

CREATE TABLE motcua.receipts (
    receipt_id bigint NOT NULL,
    gateway text NOT NULL,
    received_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    reference text,
    gateway_status text,
    raw jsonb NOT NULL,
    purged_at timestamp with time zone
);

-- Name: receipts; Type: VIEW; Schema: audit; Owner: -

CREATE VIEW audit.receipts AS
 SELECT r.receipt_id,
    r.gateway,
    r.received_at,
    motcua.without_numbers(r.reference) AS reference,
    motcua.without_numbers(r.gateway_status) AS gateway_status,
    s.attempt_id,
    s.meaning,
    s.effect,
    s.read_at
   FROM (motcua.receipts r
     LEFT JOIN motcua.receipt_readings s ON ((r.receipt_id = s.receipt_id)));

-- Name: refused_statements; Type: TABLE; Schema: motcua; Owner: -

CREATE TABLE motcua.refused_statements (
    refusal_no bigint NOT NULL,
    form text NOT NULL,
    month date,
    file_name text NOT NULL,
    sha256 text,
    refused_at timestamp with time zone NOT NULL,
    refused_by text NOT NULL,
    faults integer NOT NULL,
    message text NOT NULL,
    set_aside_at timestamp with time zone,
    set_aside_by text,
    set_aside_reason text,
    CONSTRAINT refused_statements_check CHECK ((num_nonnulls(set_aside_at, set_aside_by, set_aside_reason) = ANY (ARRAY[0, 3]))),
    CONSTRAINT refused_statements_faults_check CHECK ((faults > 0)),
    CONSTRAINT refused_statements_file_name_check CHECK ((btrim(file_name) <> ''::text)),
    CONSTRAINT refused_statements_message_check CHECK ((btrim(message) <> ''::text)),
    CONSTRAINT refused_statements_month_check CHECK ((EXTRACT(day FROM month) = (1)::numeric)),
    CONSTRAINT refused_statements_refused_by_check CHECK ((btrim(refused_by) <> ''::text)),
    CONSTRAINT refused_statements_set_aside_by_check CHECK ((btrim(set_aside_by) <> ''::text)),
    CONSTRAINT refused_statements_set_aside_reason_check CHECK (((char_length(set_aside_reason) >= 1) AND (char_length(set_aside_reason) <= 2000))),
    CONSTRAINT refused_statements_sha256_check CHECK ((sha256 ~ '^[0-9a-f]{64}$'::text))
);

-- Name: refused_statements; Type: VIEW; Schema: audit; Owner: -

CREATE VIEW audit.refused_statements AS
 SELECT refusal_no,
    form,
    month,
    file_name,
    sha256,
    refused_at,
    refused_by,
    faults,
    set_aside_at,
    set_aside_by,
    ( SELECT min(s.statement_no) AS min
           FROM motcua.carrier_statements s
          WHERE ((s.imported_at > r.refused_at) AND (((s.form = r.form) AND (s.month = COALESCE(r.month, s.month))) OR (s.sha256 = r.sha256)))) AS replaced_by
   FROM motcua.refused_statements r;

-- Name: releases; Type: TABLE; Schema: motcua; Owner: -

CREATE TABLE motcua.releases (
    release_id bigint NOT NULL,
    message_id bigint NOT NULL,
    attempt_id bigint NOT NULL,
    released_at timestamp with time zone NOT NULL,
    released_by text NOT NULL,
    reason text NOT NULL,
    CONSTRAINT releases_reason_check CHECK ((btrim(reason) <> ''::text)),
    CONSTRAINT releases_released_by_check CHECK ((btrim(released_by) <> ''::text))
);

-- Name: releases; Type: VIEW; Schema: audit; Owner: -

CREATE VIEW audit.releases AS
 SELECT release_id,
    message_id,
    attempt_id,
    released_at,
    released_by,
    reason
   FROM motcua.releases;

-- Name: report_mails; Type: TABLE; Schema: motcua; Owner: -

CREATE TABLE motcua.report_mails (
    report_mail_id bigint NOT NULL,
    report text NOT NULL,
    report_no bigint NOT NULL,
    body text NOT NULL,
    recipient_hash text NOT NULL,
    edition smallint NOT NULL,
    state text NOT NULL,
    attempts integer NOT NULL,
    reserved_at timestamp with time zone NOT NULL,
    settled_at timestamp with time zone,
    failure text,
    CONSTRAINT report_mails_attempts_check CHECK ((attempts > 0)),
    CONSTRAINT report_mails_body_check CHECK ((btrim(body) <> ''::text)),
    CONSTRAINT report_mails_check CHECK (((state = 'sending'::text) = (settled_at IS NULL))),
    CONSTRAINT report_mails_check1 CHECK (((state = ANY (ARRAY['failed'::text, 'unknown'::text])) = (failure IS NOT NULL))),
    CONSTRAINT report_mails_edition_check CHECK ((edition > 0)),
    CONSTRAINT report_mails_recipient_hash_check CHECK ((recipient_hash ~ '^[0-9a-f]{64}$'::text)),
    CONSTRAINT report_mails_report_check CHECK ((report = ANY (ARRAY['quality'::text, 'publication'::text]))),
    CONSTRAINT report_mails_report_no_check CHECK ((report_no > 0)),
    CONSTRAINT report_mails_state_check CHECK ((state = ANY (ARRAY['sending'::text, 'sent'::text, 'failed'::text, 'unknown'::text])))
);

-- Name: report_mails; Type: VIEW; Schema: audit; Owner: -

CREATE VIEW audit.report_mails AS
 SELECT report_mail_id,
    report,
    report_no,
    body,
    edition,
    state,
    attempts,
    reserved_at,
    settled_at,
    failure
   FROM motcua.report_mails;

-- Name: rule_dates; Type: TABLE; Schema: motcua; Owner: -

CREATE TABLE motcua.rule_dates (
    rule text NOT NULL,
    since timestamp with time zone NOT NULL
);

-- Name: rule_dates; Type: VIEW; Schema: audit; Owner: -

CREATE VIEW audit.rule_dates AS
 SELECT rule,
    since
   FROM motcua.rule_dates;

-- Name: sources; Type: TABLE; Schema: motcua; Owner: -

CREATE TABLE motcua.sources (
    source_id smallint NOT NULL,
    name text NOT NULL,
    cursor_transition_id bigint,
    cursor_recorded_at timestamp with time zone,
    cursor_updated_at timestamp with time zone,
    watch jsonb,
    picked_up_at timestamp with time zone,
    failed_at timestamp with time zone,
    failure text,
    look_back_at timestamp with time zone,
    set_back_from timestamp with time zone,
    set_back_at timestamp with time zone,
    set_back_by interval,
    CONSTRAINT sources_name_check CHECK ((name ~ '^[a-z0-9_]+$'::text))
);

-- Name: sources; Type: VIEW; Schema: audit; Owner: -

CREATE VIEW audit.sources AS
 SELECT source_id,
    name,
    picked_up_at,
    failed_at
   FROM motcua.sources;

-- Name: statement_difference_sums; Type: TABLE; Schema: motcua; Owner: -

CREATE TABLE motcua.statement_difference_sums (
    statement_no bigint NOT NULL,
    direction text NOT NULL,
    verdict text NOT NULL,
    what text NOT NULL,
    matches bigint NOT NULL,
    CONSTRAINT statement_difference_sums_matches_check CHECK ((matches > 0))
);

-- Name: statement_matches; Type: TABLE; Schema: motcua; Owner: -

CREATE TABLE motcua.statement_matches (
    match_id bigint NOT NULL,
    statement_no bigint NOT NULL,
    verdict text NOT NULL,
    direction text NOT NULL,
    line_no integer,
    attempt_id bigint,
    inquiry_id bigint,
    matched_by text,
    differs text[] NOT NULL,
    segments integer,
    amount numeric(16,2),
    CONSTRAINT statement_matches_check CHECK (((direction = 'mt'::text) OR (attempt_id IS NULL))),
    CONSTRAINT statement_matches_check1 CHECK (((direction = 'mo'::text) OR (inquiry_id IS NULL))),
    CONSTRAINT statement_matches_check2 CHECK (((verdict = ANY (ARRAY['exact'::text, 'partial'::text])) = (matched_by IS NOT NULL))),
    CONSTRAINT statement_matches_check3 CHECK (((verdict = 'ours_only'::text) = (line_no IS NULL))),
    CONSTRAINT statement_matches_check4 CHECK (((verdict = 'theirs_only'::text) = (num_nonnulls(attempt_id, inquiry_id) = 0))),
    CONSTRAINT statement_matches_check5 CHECK (
CASE verdict
    WHEN 'exact'::text THEN (differs = '{}'::text[])
    WHEN 'partial'::text THEN (differs <> '{}'::text[])
    ELSE true
END),
    CONSTRAINT statement_matches_direction_check CHECK ((direction = ANY (ARRAY['mt'::text, 'mo'::text]))),
    CONSTRAINT statement_matches_matched_by_check CHECK ((matched_by = ANY (ARRAY['reference'::text, 'gateway_reference'::text, 'number_and_time'::text]))),
    CONSTRAINT statement_matches_verdict_check CHECK ((verdict = ANY (ARRAY['exact'::text, 'partial'::text, 'theirs_only'::text, 'ours_only'::text])))
);

-- Name: statement_sums; Type: TABLE; Schema: motcua; Owner: -

CREATE TABLE motcua.statement_sums (
    statement_no bigint NOT NULL,
    direction text NOT NULL,
    verdict text NOT NULL,
    matches bigint NOT NULL,
    their_segments bigint NOT NULL,
    their_amount numeric NOT NULL,
    our_segments bigint NOT NULL,
    our_amount numeric NOT NULL,
    segments_off bigint NOT NULL,
    amount_off numeric NOT NULL,
    CONSTRAINT statement_sums_matches_check CHECK ((matches > 0))
);

-- Name: statement_difference_sums; Type: VIEW; Schema: audit; Owner: -

CREATE VIEW audit.statement_difference_sums AS
 SELECT statement_difference_sums.statement_no,
    statement_difference_sums.direction,
    statement_difference_sums.verdict,
    statement_difference_sums.what,
    statement_difference_sums.matches
   FROM motcua.statement_difference_sums
UNION ALL
 SELECT c.statement_no,
    a.direction,
    a.verdict,
    a.what,
    a.matches
   FROM (motcua.carrier_statements c
     JOIN LATERAL ( SELECT m.direction,
            m.verdict,
            d.what,
            count(*) AS matches
           FROM (motcua.statement_matches m
             CROSS JOIN LATERAL unnest(m.differs) d(what))
          WHERE ((m.statement_no = c.statement_no) AND (m.verdict <> 'exact'::text))
          GROUP BY m.direction, m.verdict, d.what) a ON (true))
  WHERE (NOT (EXISTS ( SELECT 1
           FROM motcua.statement_sums s
          WHERE (s.statement_no = c.statement_no))));

-- Name: statement_lines; Type: TABLE; Schema: motcua; Owner: -

CREATE TABLE motcua.statement_lines (
    statement_no bigint NOT NULL,
    direction text NOT NULL,
    line_no integer NOT NULL,
    reference text,
    gateway_reference text,
    sent_at timestamp with time zone NOT NULL,
    segments integer NOT NULL,
    price numeric(14,4),
    amount numeric(16,2),
    carrier text,
    status text,
    billed boolean NOT NULL,
    CONSTRAINT statement_lines_direction_check CHECK ((direction = ANY (ARRAY['mt'::text, 'mo'::text]))),
    CONSTRAINT statement_lines_line_no_check CHECK ((line_no > 0)),
    CONSTRAINT statement_lines_segments_check CHECK ((segments >= 0)),
    CONSTRAINT statement_lines_status_check CHECK ((status = ANY (ARRAY['accepted'::text, 'delivered'::text, 'undelivered'::text])))
);

-- Name: statement_lines; Type: VIEW; Schema: audit; Owner: -

CREATE VIEW audit.statement_lines AS
 SELECT statement_no,
    direction,
    line_no,
    motcua.without_numbers(reference) AS reference,
    motcua.without_numbers(gateway_reference) AS gateway_reference,
    sent_at,
    segments,
    price,
    amount,
    carrier,
    status,
    billed
   FROM motcua.statement_lines;

-- Name: statement_matches; Type: VIEW; Schema: audit; Owner: -

CREATE VIEW audit.statement_matches AS
 SELECT match_id,
    statement_no,
    verdict,
    direction,
    line_no,
    attempt_id,
    inquiry_id,
    matched_by,
    differs,
    segments,
    amount
   FROM motcua.statement_matches;

-- Name: statement_sums; Type: VIEW; Schema: audit; Owner: -

CREATE VIEW audit.statement_sums AS
 SELECT statement_sums.statement_no,
    statement_sums.direction,
    statement_sums.verdict,
    statement_sums.matches,
    statement_sums.their_segments,
    statement_sums.their_amount,
    statement_sums.our_segments,
    statement_sums.our_amount,
    statement_sums.segments_off,
    statement_sums.amount_off
   FROM motcua.statement_sums
UNION ALL
 SELECT c.statement_no,
    a.direction,
    a.verdict,
    a.matches,
    a.their_segments,
    a.their_amount,
    a.our_segments,
    a.our_amount,
    a.segments_off,
    a.amount_off
   FROM (motcua.carrier_statements c
     JOIN LATERAL ( SELECT m.direction,
            m.verdict,
            count(*) AS matches,
            COALESCE(sum(m.theirs), (0)::bigint) AS their_segments,
            COALESCE(sum(m.their_amount), (0)::numeric) AS their_amount,
            COALESCE(sum(m.segments), (0)::bigint) AS our_segments,
            COALESCE(sum(m.amount), (0)::numeric) AS our_amount,
            COALESCE(sum(abs((m.theirs - COALESCE(m.segments, 0)))) FILTER (WHERE m.counts), (0)::bigint) AS segments_off,
            COALESCE(sum(abs((m.their_amount - COALESCE(m.amount, (0)::numeric)))) FILTER (WHERE (m.counts AND m.priced)), (0)::numeric) AS amount_off
           FROM ( SELECT x.direction,
                    x.verdict,
                    x.segments,
                    x.amount,
                        CASE
                            WHEN l.billed THEN l.segments
                            ELSE 0
                        END AS theirs,
                    COALESCE(l.amount, (0)::numeric) AS their_amount,
                    ((x.verdict <> 'ours_only'::text) OR (x.differs = '{}'::text[])) AS counts,
                    ((x.verdict = 'theirs_only'::text) OR (x.amount IS NOT NULL)) AS priced
                   FROM (motcua.statement_matches x
                     LEFT JOIN motcua.statement_lines l ON (((x.statement_no = l.statement_no) AND (x.direction = l.direction) AND (x.line_no = l.line_no))))
                  WHERE (x.statement_no = c.statement_no)) m
          GROUP BY m.direction, m.verdict) a ON (true))
  WHERE (NOT (EXISTS ( SELECT 1
           FROM motcua.statement_sums s
          WHERE (s.statement_no = c.statement_no))));

-- Name: status_map_changes; Type: TABLE; Schema: motcua; Owner: -

CREATE TABLE motcua.status_map_changes (
    change_id bigint NOT NULL,
    source_id smallint NOT NULL,
    source_status smallint NOT NULL,
    status_before smallint,
    status_code smallint NOT NULL,
    changed_at timestamp with time zone NOT NULL,
    changed_by text NOT NULL,
    CONSTRAINT status_map_changes_changed_by_check CHECK ((btrim(changed_by) <> ''::text)),
    CONSTRAINT status_map_changes_status_before_check CHECK (((status_before >= 1) AND (status_before <= 10))),
    CONSTRAINT status_map_changes_status_code_check CHECK (((status_code >= 1) AND (status_code <= 10)))
);

-- Name: status_map_changes; Type: VIEW; Schema: audit; Owner: -

CREATE VIEW audit.status_map_changes AS
 SELECT change_id,
    source_id,
    source_status,
    status_before,
    status_code,
    changed_at,
    changed_by
   FROM motcua.status_map_changes;

-- Name: stops; Type: TABLE; Schema: motcua; Owner: -

CREATE TABLE motcua.stops (
    stop_id bigint NOT NULL,
    kind text,
    agency_code text,
    stopped_at timestamp with time zone NOT NULL,
    until timestamp with time zone NOT NULL,
    stopped_by text NOT NULL,
    reason text NOT NULL,
    ended_at timestamp with time zone,
    ended_by text,
    CONSTRAINT stops_check CHECK (((until > stopped_at) AND (until <= (stopped_at + '7 days'::interval)))),
    CONSTRAINT stops_check1 CHECK (((ended_at IS NULL) = (ended_by IS NULL))),
    CONSTRAINT stops_check2 CHECK (((ended_at >= stopped_at) AND (ended_at < until))),
    CONSTRAINT stops_ended_by_check CHECK ((btrim(ended_by) <> ''::text)),
    CONSTRAINT stops_kind_check CHECK ((kind = ANY (ARRAY['result'::text, 'supplement'::text, 'apology'::text, 'reply'::text]))),
    CONSTRAINT stops_reason_check CHECK (((btrim(reason) <> ''::text) AND (length(reason) <= 300))),
    CONSTRAINT stops_stopped_by_check CHECK ((btrim(stopped_by) <> ''::text))
);

-- Name: stops; Type: VIEW; Schema: audit; Owner: -

CREATE VIEW audit.stops AS
 SELECT stop_id,
    kind,
    agency_code,
    stopped_at,
    until,
    stopped_by,
    reason,
    ended_at,
    ended_by
   FROM motcua.stops;

-- Name: template_registration_changes; Type: TABLE; Schema: motcua; Owner: -

CREATE TABLE motcua.template_registration_changes (
    change_id bigint NOT NULL,
    gateway text NOT NULL,
    template_id text NOT NULL,
    template_version integer NOT NULL,
    change text NOT NULL,
    ids_before text[],
    ids_after text[],
    changed_at timestamp with time zone NOT NULL,
    changed_by text NOT NULL,
    reason text,
    CONSTRAINT template_registration_changes_change_check CHECK ((change = ANY (ARRAY['registered'::text, 'changed'::text, 'unregistered'::text]))),
    CONSTRAINT template_registration_changes_changed_by_check CHECK ((btrim(changed_by) <> ''::text)),
    CONSTRAINT template_registration_changes_check CHECK (((ids_before IS NULL) = (change = 'registered'::text))),
    CONSTRAINT template_registration_changes_check1 CHECK (((ids_after IS NULL) = (change = 'unregistered'::text))),
    CONSTRAINT template_registration_changes_reason_check CHECK ((btrim(reason) <> ''::text))
);

-- Name: template_registration_changes; Type: VIEW; Schema: audit; Owner: -

CREATE VIEW audit.template_registration_changes AS
 SELECT change_id,
    gateway,
    template_id,
    template_version,
    change,
    ids_before,
    ids_after,
    changed_at,
    changed_by,
    reason
   FROM motcua.template_registration_changes;

-- Name: template_registrations; Type: TABLE; Schema: motcua; Owner: -

CREATE TABLE motcua.template_registrations (
    gateway text NOT NULL,
    template_id text NOT NULL,
    template_version integer NOT NULL,
    provider_template_id text,
    accented_provider_template_id text,
    registered_at timestamp with time zone NOT NULL,
    registered_by text NOT NULL,
    reason text,
    CONSTRAINT template_registrations_accented_provider_template_id_check CHECK ((btrim(accented_provider_template_id) <> ''::text)),
    CONSTRAINT template_registrations_gateway_check CHECK ((gateway ~ '^[a-z0-9_]+$'::text)),
    CONSTRAINT template_registrations_provider_template_id_check CHECK ((btrim(provider_template_id) <> ''::text)),
    CONSTRAINT template_registrations_reason_check CHECK ((btrim(reason) <> ''::text)),
    CONSTRAINT template_registrations_registered_by_check CHECK ((btrim(registered_by) <> ''::text)),
    CONSTRAINT template_registrations_template_version_check CHECK ((template_version > 0))
);

-- Name: template_registrations; Type: VIEW; Schema: audit; Owner: -

CREATE VIEW audit.template_registrations AS
 SELECT gateway,
    template_id,
    template_version,
    provider_template_id,
    accented_provider_template_id,
    registered_at,
    registered_by,
    reason
   FROM motcua.template_registrations;

-- Name: transitions; Type: TABLE; Schema: motcua; Owner: -

CREATE TABLE motcua.transitions (
    transition_id bigint NOT NULL,
    source_id smallint NOT NULL,
    source_transition_id bigint,
    dossier_id bigint NOT NULL,
    sequence bigint NOT NULL,
    from_row boolean DEFAULT false NOT NULL,
    from_step text,
    to_step text,
    status_code smallint NOT NULL,
    at_one_stop_desk boolean NOT NULL,
    occurred_at timestamp with time zone NOT NULL,
    recorded_at timestamp with time zone NOT NULL,
    actor text,
    note text,
    picked_up_at timestamp with time zone NOT NULL,
    planned_at timestamp with time zone,
    outcome text,
    message_id bigint,
    CONSTRAINT transitions_check CHECK ((from_row = (source_transition_id IS NULL))),
    CONSTRAINT transitions_check1 CHECK (((planned_at IS NULL) = (outcome IS NULL))),
    CONSTRAINT transitions_check2 CHECK (((outcome <> 'message'::text) OR (message_id IS NOT NULL))),
    CONSTRAINT transitions_outcome_check CHECK ((outcome = ANY (ARRAY['message'::text, 'same_occasion'::text, 'no_occasion'::text, 'out_of_scope'::text]))),
    CONSTRAINT transitions_status_code_check CHECK (((status_code >= 1) AND (status_code <= 10)))
);

-- Name: transitions; Type: VIEW; Schema: audit; Owner: -

CREATE VIEW audit.transitions AS
 SELECT transition_id,
    source_id,
    source_transition_id,
    dossier_id,
    sequence,
    from_row,
    from_step,
    to_step,
    status_code,
    at_one_stop_desk,
    occurred_at,
    recorded_at,
    picked_up_at,
    planned_at,
    outcome,
    message_id
   FROM motcua.transitions;

-- Name: user_agency_changes; Type: TABLE; Schema: motcua; Owner: -

CREATE TABLE motcua.user_agency_changes (
    change_id bigint NOT NULL,
    changed_at timestamp with time zone NOT NULL,
    changed_by text NOT NULL,
    user_name text NOT NULL,
    agency_code text NOT NULL,
    change text NOT NULL,
    CONSTRAINT user_agency_changes_change_check CHECK ((change = ANY (ARRAY['given'::text, 'taken'::text]))),
    CONSTRAINT user_agency_changes_changed_by_check CHECK ((btrim(changed_by) <> ''::text))
);

-- Name: user_agency_changes; Type: VIEW; Schema: audit; Owner: -

CREATE VIEW audit.user_agency_changes AS
 SELECT change_id,
    changed_at,
    changed_by,
    user_name,
    agency_code,
    change
   FROM motcua.user_agency_changes c;

-- Name: client_agencies; Type: TABLE; Schema: intake; Owner: -

CREATE TABLE intake.client_agencies (
    client_id bigint NOT NULL,
    agency_code text NOT NULL
);

-- Name: client_changes; Type: TABLE; Schema: intake; Owner: -

CREATE TABLE intake.client_changes (
    change_id bigint NOT NULL,
    client_id bigint NOT NULL,
    changed_at timestamp with time zone NOT NULL,
    changed_by text NOT NULL,
    change text NOT NULL,
    agencies text[] NOT NULL,
    networks cidr[] NOT NULL,
    supplements_at_desk boolean NOT NULL,
    CONSTRAINT client_changes_change_check CHECK ((change = ANY (ARRAY['registered'::text, 'changed'::text, 'password'::text, 'disabled'::text, 'enabled'::text]))),
    CONSTRAINT client_changes_changed_by_check CHECK ((btrim(changed_by) <> ''::text))
);

-- Name: client_changes_change_id_seq; Type: SEQUENCE; Schema: intake; Owner: -

ALTER TABLE intake.client_changes ALTER COLUMN change_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME intake.client_changes_change_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

-- Name: client_days; Type: TABLE; Schema: intake; Owner: -

CREATE TABLE intake.client_days (
    client_id bigint NOT NULL,
    day date NOT NULL,
    service text NOT NULL,
    calls bigint NOT NULL,
    taken bigint NOT NULL,
    repeated bigint NOT NULL,
    refused bigint NOT NULL,
    last_at timestamp with time zone NOT NULL
);

-- Name: client_hours; Type: TABLE; Schema: intake; Owner: -

CREATE TABLE intake.client_hours (
    client_id bigint NOT NULL,
    hour timestamp with time zone NOT NULL
);

-- Name: clients_client_id_seq; Type: SEQUENCE; Schema: intake; Owner: -

ALTER TABLE intake.clients ALTER COLUMN client_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME intake.clients_client_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

-- Name: export_forms; Type: TABLE; Schema: intake; Owner: -

CREATE TABLE intake.export_forms (
    form_no bigint NOT NULL,
    client_id bigint NOT NULL,
    form jsonb NOT NULL,
    set_at timestamp with time zone NOT NULL,
    set_by text NOT NULL,
    CONSTRAINT export_forms_set_by_check CHECK ((btrim(set_by) <> ''::text))
);

-- Name: export_forms_form_no_seq; Type: SEQUENCE; Schema: intake; Owner: -

ALTER TABLE intake.export_forms ALTER COLUMN form_no ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME intake.export_forms_form_no_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

-- Name: exported_dossiers; Type: TABLE; Schema: intake; Owner: -

CREATE TABLE intake.exported_dossiers (
    dossier_no bigint NOT NULL,
    export_no bigint NOT NULL,
    exported_at timestamp with time zone NOT NULL,
    happened_at timestamp with time zone NOT NULL,
    state bytea NOT NULL,
    vanished_in bigint,
    CONSTRAINT exported_dossiers_state_check CHECK ((length(state) = 32))
);

-- Name: exports; Type: TABLE; Schema: intake; Owner: -

CREATE TABLE intake.exports (
    export_no bigint NOT NULL,
    source text NOT NULL,
    name text NOT NULL,
    size bigint NOT NULL,
    modified_at timestamp with time zone NOT NULL,
    seen_at timestamp with time zone NOT NULL,
    state text NOT NULL,
    form_no bigint,
    sha256 bytea,
    exported_at timestamp with time zone,
    is_whole boolean,
    ends_a_line boolean,
    read_at timestamp with time zone,
    lines bigint DEFAULT 0 NOT NULL,
    dossiers bigint DEFAULT 0 NOT NULL,
    added bigint DEFAULT 0 NOT NULL,
    moved bigint DEFAULT 0 NOT NULL,
    older bigint DEFAULT 0 NOT NULL,
    refused bigint DEFAULT 0 NOT NULL,
    vanished bigint DEFAULT 0 NOT NULL,
    faults jsonb DEFAULT '[]'::jsonb NOT NULL,
    accepted_by text,
    accepted_at timestamp with time zone,
    accepted_why text,
    sent_by text,
    sent_at timestamp with time zone,
    CONSTRAINT exports_accepted_by_check CHECK ((btrim(accepted_by) <> ''::text)),
    CONSTRAINT exports_check CHECK (((state = 'waiting'::text) = (read_at IS NULL))),
    CONSTRAINT exports_check1 CHECK (((accepted_by IS NULL) = (accepted_at IS NULL))),
    CONSTRAINT exports_sent_by_check CHECK ((btrim(sent_by) <> ''::text)),
    CONSTRAINT exports_sha256_check CHECK ((length(sha256) = 32)),
    CONSTRAINT exports_size_check CHECK ((size >= 0))
);

-- Name: exports_export_no_seq; Type: SEQUENCE; Schema: intake; Owner: -

ALTER TABLE intake.exports ALTER COLUMN export_no ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME intake.exports_export_no_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

-- Name: faults; Type: TABLE; Schema: intake; Owner: -

CREATE TABLE intake.faults (
    client_id bigint NOT NULL,
    day date NOT NULL,
    service text NOT NULL,
    fault text NOT NULL,
    field text NOT NULL,
    records bigint NOT NULL,
    last_at timestamp with time zone NOT NULL,
    CONSTRAINT faults_fault_check CHECK ((fault ~ '^[a-z_]{1,40}$'::text))
);

-- Name: numbers; Type: TABLE; Schema: intake; Owner: -

CREATE TABLE intake.numbers (
    source text NOT NULL,
    last_number bigint DEFAULT 0 NOT NULL,
    CONSTRAINT numbers_last_number_check CHECK ((last_number >= 0))
);

-- Name: pushed_dossiers; Type: TABLE; Schema: intake; Owner: -

CREATE TABLE intake.pushed_dossiers (
    dossier_no bigint NOT NULL,
    source text NOT NULL,
    agency_code text NOT NULL,
    dossier_code text NOT NULL,
    client_id bigint NOT NULL,
    fields jsonb NOT NULL,
    status_code smallint,
    supplement_at_desk boolean NOT NULL,
    received_at timestamp with time zone,
    due_at timestamp with time zone,
    finished_at timestamp with time zone,
    returned_at timestamp with time zone,
    arrived_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    purged_at timestamp with time zone,
    said_status smallint,
    said_at timestamp with time zone
);

-- Name: pushed_dossiers_dossier_no_seq; Type: SEQUENCE; Schema: intake; Owner: -

ALTER TABLE intake.pushed_dossiers ALTER COLUMN dossier_no ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME intake.pushed_dossiers_dossier_no_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

-- Name: pushed_steps; Type: TABLE; Schema: intake; Owner: -

CREATE TABLE intake.pushed_steps (
    step_no bigint NOT NULL,
    source text NOT NULL,
    transition_id bigint,
    agency_code text,
    dossier_code text NOT NULL,
    client_id bigint NOT NULL,
    fields jsonb NOT NULL,
    status_code smallint,
    supplement_at_desk boolean NOT NULL,
    is_timed boolean NOT NULL,
    occurred_at timestamp with time zone NOT NULL,
    recorded_at timestamp with time zone NOT NULL,
    digest bytea NOT NULL,
    purged_at timestamp with time zone,
    CONSTRAINT pushed_steps_check CHECK (((transition_id IS NULL) = (agency_code IS NULL)))
);

-- Name: pushed_steps_step_no_seq; Type: SEQUENCE; Schema: intake; Owner: -

ALTER TABLE intake.pushed_steps ALTER COLUMN step_no ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME intake.pushed_steps_step_no_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

-- Name: recent_states; Type: TABLE; Schema: intake; Owner: -

CREATE TABLE intake.recent_states (
    source text NOT NULL,
    agency_code text NOT NULL,
    dossier_code text NOT NULL,
    digest bytea NOT NULL,
    arrived_at timestamp with time zone NOT NULL
);

-- Name: sessions; Type: TABLE; Schema: intake; Owner: -

CREATE TABLE intake.sessions (
    token_digest bytea NOT NULL,
    client_id bigint NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    CONSTRAINT sessions_token_digest_check CHECK ((length(token_digest) = 32))
);

-- Name: status_maps; Type: TABLE; Schema: motcua; Owner: -

CREATE TABLE motcua.status_maps (
    source_id smallint NOT NULL,
    source_status smallint NOT NULL,
    status_code smallint NOT NULL,
    mapped_at timestamp with time zone DEFAULT now() NOT NULL,
    ends_at timestamp with time zone,
    CONSTRAINT status_maps_status_code_check CHECK (((status_code >= 1) AND (status_code <= 10)))
);

-- Name: status_meanings; Type: VIEW; Schema: motcua; Owner: -

CREATE VIEW motcua.status_meanings AS
 SELECT source_id,
    source_status,
    status_code,
    mapped_at,
        CASE
            WHEN ((source_status >= 1) AND (source_status <= 10)) THEN COALESCE(ends_at, mapped_at)
            ELSE NULL::timestamp with time zone
        END AS ends_at
   FROM motcua.status_maps m
  WHERE (source_status <> status_code);

-- Name: source_dossiers; Type: VIEW; Schema: intake; Owner: -

CREATE VIEW intake.source_dossiers AS
 SELECT d.source,
    d.dossier_code,
    d.agency_code,
    (d.fields ->> 'MaTTHC'::text) AS procedure_code,
    (d.fields ->> 'TenTTHC'::text) AS procedure_name,
    (d.fields ->> 'TenLinhVuc'::text) AS field_name,
    (d.fields ->> 'ChuHoSo'::text) AS applicant_name,
    (d.fields ->> 'SoDienThoai'::text) AS applicant_phone,
    d.received_at AS phone_entered_at,
        CASE (d.fields ->> 'HinhThuc'::text)
            WHEN '0'::text THEN 'direct'::text
            WHEN '1'::text THEN 'postal'::text
            WHEN '2'::text THEN 'online'::text
            ELSE NULL::text
        END AS submitted_via,
    d.received_at,
    d.due_at,
    ( SELECT (t.fields ->> 'NoiDungXuLy'::text)
           FROM intake.pushed_steps t
          WHERE ((t.source = d.source) AND (t.agency_code = d.agency_code) AND (t.dossier_code = d.dossier_code))
          ORDER BY LEAST(t.occurred_at, t.recorded_at) DESC, t.transition_id DESC
         LIMIT 1) AS step_name,
    d.status_code,
        CASE COALESCE(m.status_code, d.status_code)
            WHEN 9 THEN true
            WHEN 5 THEN (d.supplement_at_desk OR COALESCE((d.updated_at >= c.supplements_at_desk_since), false))
            ELSE false
        END AS at_one_stop_desk,
    d.finished_at,
    d.returned_at,
    d.updated_at
   FROM (((intake.pushed_dossiers d
     LEFT JOIN intake.clients c ON ((d.client_id = c.client_id)))
     LEFT JOIN motcua.sources s ON ((d.source = s.name)))
     LEFT JOIN motcua.status_meanings m ON (((s.source_id = m.source_id) AND (d.status_code = m.source_status) AND ((m.ends_at IS NULL) OR (m.ends_at > now())))));

-- Name: source_transitions; Type: VIEW; Schema: intake; Owner: -

CREATE VIEW intake.source_transitions AS
 SELECT t.source,
    t.transition_id,
    t.agency_code,
    t.dossier_code,
    NULL::text AS from_step,
    (t.fields ->> 'NoiDungXuLy'::text) AS to_step,
    t.status_code,
        CASE COALESCE(m.status_code, t.status_code)
            WHEN 9 THEN true
            WHEN 5 THEN (t.supplement_at_desk OR COALESCE((t.recorded_at >= c.supplements_at_desk_since), false))
            ELSE false
        END AS at_one_stop_desk,
    t.occurred_at,
    t.recorded_at,
    (t.fields ->> 'NguoiXuLy'::text) AS actor,
    NULL::text AS note
   FROM (((intake.pushed_steps t
     LEFT JOIN intake.clients c ON ((t.client_id = c.client_id)))
     LEFT JOIN motcua.sources s ON ((t.source = s.name)))
     LEFT JOIN motcua.status_meanings m ON (((s.source_id = m.source_id) AND (t.status_code = m.source_status) AND ((m.ends_at IS NULL) OR (m.ends_at > now())))))
  WHERE (t.transition_id IS NOT NULL);

-- Name: supplements_untold; Type: VIEW; Schema: intake; Owner: -

CREATE VIEW intake.supplements_untold AS
 SELECT s.source,
    s.client_id,
    s.agency_code,
    s.dossier_code,
    s.said_at
   FROM (((( SELECT t.source,
            t.client_id,
            t.agency_code,
            t.dossier_code,
            t.status_code,
            t.supplement_at_desk,
            t.recorded_at AS said_at
           FROM intake.pushed_steps t
          WHERE (t.transition_id IS NOT NULL)
        UNION ALL
         SELECT d.source,
            d.client_id,
            d.agency_code,
            d.dossier_code,
            d.status_code,
            d.supplement_at_desk,
            d.updated_at
           FROM intake.pushed_dossiers d
          WHERE (NOT (EXISTS ( SELECT 1
                   FROM intake.pushed_steps t
                  WHERE ((t.source = d.source) AND (t.agency_code = d.agency_code) AND (t.dossier_code = d.dossier_code) AND (t.status_code = d.status_code)))))) s
     JOIN intake.clients c ON ((s.client_id = c.client_id)))
     LEFT JOIN motcua.sources o ON ((s.source = o.name)))
     LEFT JOIN motcua.status_meanings m ON (((o.source_id = m.source_id) AND (s.status_code = m.source_status) AND ((m.ends_at IS NULL) OR (m.ends_at > now())))))
  WHERE ((COALESCE(m.status_code, s.status_code) = 5) AND (NOT s.supplement_at_desk) AND (NOT COALESCE((s.said_at >= c.supplements_at_desk_since), false)) AND (NOT (EXISTS ( SELECT 1
           FROM (motcua.dossiers k
             JOIN motcua.messages n ON ((k.dossier_id = n.dossier_id)))
          WHERE ((k.agency_code = s.agency_code) AND (k.dossier_code = s.dossier_code) AND (n.kind = 'supplement'::text) AND (n.planned_at >= (s.said_at - '1 day'::interval)))))));

-- Name: waiting_steps; Type: VIEW; Schema: intake; Owner: -

CREATE VIEW intake.waiting_steps AS
 SELECT source,
    client_id,
    count(*) AS steps
   FROM intake.pushed_steps s
  WHERE (transition_id IS NULL)
  GROUP BY source, client_id;

-- Name: wrong_addresses; Type: TABLE; Schema: intake; Owner: -

CREATE TABLE intake.wrong_addresses (
    client_id bigint NOT NULL,
    since timestamp with time zone NOT NULL,
    wrong integer NOT NULL,
    CONSTRAINT wrong_addresses_wrong_check CHECK ((wrong > 0))
);

-- Name: agency_changes_change_id_seq; Type: SEQUENCE; Schema: motcua; Owner: -

ALTER TABLE motcua.agency_changes ALTER COLUMN change_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME motcua.agency_changes_change_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

-- Name: agency_scopes; Type: VIEW; Schema: motcua; Owner: -

CREATE VIEW motcua.agency_scopes AS
 SELECT g.agency_code AS written,
    g.agency_code,
    g.enabled_from
   FROM motcua.agencies g
UNION ALL
 SELECT a.alias AS written,
    a.agency_code,
    n.enabled_from
   FROM (motcua.agency_aliases a
     JOIN motcua.agencies n ON ((a.agency_code = n.agency_code)));

-- Name: airflow_cleanings; Type: TABLE; Schema: motcua; Owner: -

CREATE TABLE motcua.airflow_cleanings (
    cleaning_id bigint NOT NULL,
    cleaned_at timestamp with time zone NOT NULL,
    of_what text NOT NULL,
    removed bigint NOT NULL,
    size bigint,
    failed text,
    run_no bigint DEFAULT (NULLIF(current_setting('motcua.run'::text, true), ''::text))::bigint,
    CONSTRAINT airflow_cleanings_failed_check CHECK ((btrim(failed) <> ''::text)),
    CONSTRAINT airflow_cleanings_of_what_check CHECK ((of_what ~ '^[a-z_]+$'::text)),
    CONSTRAINT airflow_cleanings_removed_check CHECK ((removed >= 0)),
    CONSTRAINT airflow_cleanings_size_check CHECK ((size >= 0))
);

-- Name: airflow_cleanings_cleaning_id_seq; Type: SEQUENCE; Schema: motcua; Owner: -

ALTER TABLE motcua.airflow_cleanings ALTER COLUMN cleaning_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME motcua.airflow_cleanings_cleaning_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

-- Name: alerts_alert_id_seq; Type: SEQUENCE; Schema: motcua; Owner: -

ALTER TABLE motcua.alerts ALTER COLUMN alert_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME motcua.alerts_alert_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

-- Name: applied_migrations; Type: VIEW; Schema: motcua; Owner: -

CREATE VIEW motcua.applied_migrations AS
 SELECT migration_id,
    applied_at_utc AS applied_at
   FROM public._yoyo_migration m;

-- Name: attempts_attempt_id_seq; Type: SEQUENCE; Schema: motcua; Owner: -

ALTER TABLE motcua.attempts ALTER COLUMN attempt_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME motcua.attempts_attempt_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

-- Name: believed_sleeps; Type: TABLE; Schema: motcua; Owner: -

CREATE TABLE motcua.believed_sleeps (
    belief_no bigint NOT NULL,
    said_at timestamp with time zone NOT NULL,
    said_by text NOT NULL,
    reason text NOT NULL,
    withdrawn_at timestamp with time zone,
    withdrawn_by text,
    CONSTRAINT believed_sleeps_check CHECK (((withdrawn_at IS NULL) = (withdrawn_by IS NULL))),
    CONSTRAINT believed_sleeps_reason_check CHECK ((btrim(reason) <> ''::text)),
    CONSTRAINT believed_sleeps_said_by_check CHECK ((btrim(said_by) <> ''::text)),
    CONSTRAINT believed_sleeps_withdrawn_by_check CHECK ((btrim(withdrawn_by) <> ''::text))
);

-- Name: believed_sleeps_belief_no_seq; Type: SEQUENCE; Schema: motcua; Owner: -

ALTER TABLE motcua.believed_sleeps ALTER COLUMN belief_no ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME motcua.believed_sleeps_belief_no_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

-- Name: calendar_changes_change_id_seq; Type: SEQUENCE; Schema: motcua; Owner: -

ALTER TABLE motcua.calendar_changes ALTER COLUMN change_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME motcua.calendar_changes_change_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

-- Name: calendar_days_calendar_day_id_seq; Type: SEQUENCE; Schema: motcua; Owner: -

ALTER TABLE motcua.calendar_days ALTER COLUMN calendar_day_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME motcua.calendar_days_calendar_day_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

-- Name: carrier_statements_statement_no_seq; Type: SEQUENCE; Schema: motcua; Owner: -

ALTER TABLE motcua.carrier_statements ALTER COLUMN statement_no ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME motcua.carrier_statements_statement_no_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

-- Name: closing_differences_difference_no_seq; Type: SEQUENCE; Schema: motcua; Owner: -

ALTER TABLE motcua.closing_differences ALTER COLUMN difference_no ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME motcua.closing_differences_difference_no_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

-- Name: closing_orphans_orphan_no_seq; Type: SEQUENCE; Schema: motcua; Owner: -

ALTER TABLE motcua.closing_orphans ALTER COLUMN orphan_no ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME motcua.closing_orphans_orphan_no_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

-- Name: closings_closing_no_seq; Type: SEQUENCE; Schema: motcua; Owner: -

ALTER TABLE motcua.closings ALTER COLUMN closing_no ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME motcua.closings_closing_no_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

-- Name: complaint_changes_change_id_seq; Type: SEQUENCE; Schema: motcua; Owner: -

ALTER TABLE motcua.complaint_changes ALTER COLUMN change_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME motcua.complaint_changes_change_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

-- Name: complaints_complaint_id_seq; Type: SEQUENCE; Schema: motcua; Owner: -

ALTER TABLE motcua.complaints ALTER COLUMN complaint_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME motcua.complaints_complaint_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

-- Name: counted_occasions; Type: TABLE; Schema: motcua; Owner: -

CREATE UNLOGGED TABLE motcua.counted_occasions (
    occasion_no bigint NOT NULL,
    source_id smallint NOT NULL,
    agency_written text,
    dossier_code text,
    procedure_code text,
    kind text NOT NULL,
    numbers bigint[] NOT NULL,
    due_day date,
    occurred_at timestamp with time zone,
    recorded_at timestamp with time zone NOT NULL
);

-- Name: counted_occasions_occasion_no_seq; Type: SEQUENCE; Schema: motcua; Owner: -

ALTER TABLE motcua.counted_occasions ALTER COLUMN occasion_no ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME motcua.counted_occasions_occasion_no_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

-- Name: dossier_terms; Type: VIEW; Schema: motcua; Owner: -

CREATE VIEW motcua.dossier_terms AS
 SELECT d.dossier_id,
    d.agency_code,
    d.dossier_code,
    d.picked_up_at,
    d.purged_at,
    e.ended_at,
        CASE
            WHEN (d.erase_asked_at IS NULL) THEN (e.ended_at + g.retention)
            ELSE e.ended_at
        END AS kept_until,
    ((EXISTS ( SELECT 1
           FROM motcua.transitions t
          WHERE ((t.dossier_id = d.dossier_id) AND (t.planned_at IS NULL)))) OR (EXISTS ( SELECT 1
           FROM motcua.messages m
          WHERE ((m.dossier_id = d.dossier_id) AND ((m.state = ANY (ARRAY['queued'::text, 'sending'::text, 'unknown'::text])) OR ((m.kind <> 'reply'::text) AND ((m.state = 'accepted'::text) OR (m.useful_until > clock_timestamp())))))))) AS may_be_told,
    (EXISTS ( SELECT 1
           FROM motcua.complaints c
          WHERE ((c.dossier_id = d.dossier_id) AND (c.outcome = 'open'::text) AND (c.withdrawn_at IS NULL)))) AS is_complained_of
   FROM ((((motcua.dossiers d
     JOIN motcua.agencies g ON ((d.agency_code = g.agency_code)))
     LEFT JOIN LATERAL ( SELECT t.status_code,
            t.occurred_at,
            t.recorded_at
           FROM motcua.transitions t
          WHERE (t.dossier_id = d.dossier_id)
          ORDER BY t.sequence DESC, t.from_row DESC, t.transition_id DESC
         LIMIT 1) l ON (true))
     CROSS JOIN LATERAL ( SELECT
                CASE
                    WHEN (l.recorded_at > COALESCE(d.updated_at, '-infinity'::timestamp with time zone)) THEN l.status_code
                    ELSE d.status_code
                END AS status_code,
            ((d.returned_at IS NOT NULL) AND COALESCE(((l.status_code = ANY (ARRAY[9, 10])) OR (l.occurred_at <= d.returned_at)), true) AND COALESCE(((d.status_code = ANY (ARRAY[9, 10])) OR (d.updated_at <= (d.returned_at + '1 day'::interval))), true)) AS handed_over) s)
     CROSS JOIN LATERAL ( SELECT
                CASE
                    WHEN (COALESCE((s.status_code = ANY (ARRAY[3, 7, 9, 10])), false) OR s.handed_over) THEN (COALESCE(GREATEST(LEAST(GREATEST(d.returned_at, d.finished_at), d.picked_up_at), l.occurred_at), d.updated_at, d.picked_up_at) +
                    CASE
                        WHEN ((s.status_code = 9) AND (NOT s.handed_over)) THEN '365 days'::interval
                        ELSE '00:00:00'::interval
                    END)
                    ELSE NULL::timestamp with time zone
                END AS ended_at) e);

-- Name: dossier_versions_version_id_seq; Type: SEQUENCE; Schema: motcua; Owner: -

ALTER TABLE motcua.dossier_versions ALTER COLUMN version_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME motcua.dossier_versions_version_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

-- Name: dossiers_dossier_id_seq; Type: SEQUENCE; Schema: motcua; Owner: -

ALTER TABLE motcua.dossiers ALTER COLUMN dossier_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME motcua.dossiers_dossier_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

-- Name: finding_acknowledgements_acknowledgement_id_seq; Type: SEQUENCE; Schema: motcua; Owner: -

ALTER TABLE motcua.finding_acknowledgements ALTER COLUMN acknowledgement_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME motcua.finding_acknowledgements_acknowledgement_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

-- Name: finding_rechecks_recheck_id_seq; Type: SEQUENCE; Schema: motcua; Owner: -

ALTER TABLE motcua.finding_rechecks ALTER COLUMN recheck_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME motcua.finding_rechecks_recheck_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

-- Name: findings_finding_id_seq; Type: SEQUENCE; Schema: motcua; Owner: -

ALTER TABLE motcua.cleaned_fields ALTER COLUMN cleaned_field_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME motcua.findings_finding_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

-- Name: findings_finding_id_seq1; Type: SEQUENCE; Schema: motcua; Owner: -

ALTER TABLE motcua.findings ALTER COLUMN finding_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME motcua.findings_finding_id_seq1
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

-- Name: gaps_gap_no_seq; Type: SEQUENCE; Schema: motcua; Owner: -

ALTER TABLE motcua.gaps ALTER COLUMN gap_no ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME motcua.gaps_gap_no_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

-- Name: gateway_changes_change_id_seq; Type: SEQUENCE; Schema: motcua; Owner: -

ALTER TABLE motcua.gateway_changes ALTER COLUMN change_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME motcua.gateway_changes_change_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

-- Name: gateway_stops; Type: TABLE; Schema: motcua; Owner: -

CREATE TABLE motcua.gateway_stops (
    gateway text NOT NULL,
    concerns text NOT NULL,
    subject text NOT NULL,
    stopped_at timestamp with time zone NOT NULL,
    until timestamp with time zone NOT NULL,
    reason text NOT NULL,
    by_hand boolean NOT NULL,
    pause interval,
    CONSTRAINT gateway_stops_check CHECK (((concerns = 'gateway'::text) = (subject = ''::text))),
    CONSTRAINT gateway_stops_concerns_check CHECK ((concerns = ANY (ARRAY['gateway'::text, 'carrier'::text, 'template'::text])))
);

-- Name: gateways; Type: TABLE; Schema: motcua; Owner: -

CREATE TABLE motcua.gateways (
    name text NOT NULL,
    free_at timestamp with time zone,
    opened_at timestamp with time zone,
    fault text,
    carriers text[],
    segments_per_second double precision,
    segments_per_day bigint,
    CONSTRAINT gateways_name_check CHECK ((name ~ '^[a-z0-9_]+$'::text))
);

-- Name: inquiries_inquiry_id_seq; Type: SEQUENCE; Schema: motcua; Owner: -

ALTER TABLE motcua.inquiries ALTER COLUMN inquiry_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME motcua.inquiries_inquiry_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

-- Name: journals; Type: TABLE; Schema: motcua; Owner: -

CREATE TABLE motcua.journals (
    journal_no bigint NOT NULL,
    journal_id uuid NOT NULL,
    begun_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    reason text NOT NULL
);

-- Name: journals_journal_no_seq; Type: SEQUENCE; Schema: motcua; Owner: -

ALTER TABLE motcua.journals ALTER COLUMN journal_no ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME motcua.journals_journal_no_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

-- Name: lost_attempts_lost_id_seq; Type: SEQUENCE; Schema: motcua; Owner: -

ALTER TABLE motcua.lost_attempts ALTER COLUMN lost_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME motcua.lost_attempts_lost_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

-- Name: message_history_history_id_seq; Type: SEQUENCE; Schema: motcua; Owner: -

ALTER TABLE motcua.message_history ALTER COLUMN history_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME motcua.message_history_history_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

-- Name: message_moves; Type: TABLE; Schema: motcua; Owner: -

CREATE TABLE motcua.message_moves (
    from_state text NOT NULL,
    to_state text NOT NULL,
    cause text NOT NULL,
    only_for text
);

-- Name: message_states; Type: TABLE; Schema: motcua; Owner: -

CREATE TABLE motcua.message_states (
    state text NOT NULL,
    may_begin boolean NOT NULL,
    meaning text NOT NULL
);

-- Name: messages_message_id_seq; Type: SEQUENCE; Schema: motcua; Owner: -

ALTER TABLE motcua.messages ALTER COLUMN message_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME motcua.messages_message_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

-- Name: occasion_conditions; Type: VIEW; Schema: motcua; Owner: -

CREATE VIEW motcua.occasion_conditions AS
 SELECT m.message_id,
    m.dossier_id,
    m.kind,
    m.transition_id,
    d.msisdn,
    COALESCE(d.phone_refusal,
        CASE
            WHEN (d.msisdn IS NULL) THEN 'missing'::text
            ELSE NULL::text
        END) AS phone_refusal,
    d.returned_at,
    (m.kind = ANY (g.kinds_off)) AS kind_off,
        CASE m.kind
            WHEN 'apology'::text THEN motcua.apology_holds(m.dossier_id, m.occasion)
            ELSE (w.gone IS NULL)
        END AS occasion_holds,
    s.picked_up_at AS source_read_at,
    w.gone,
    NULLIF(w.waits_until, 'infinity'::timestamp with time zone) AS waits_until,
    COALESCE((w.waits_until = 'infinity'::timestamp with time zone), false) AS waits_for_row,
    s.name AS source,
    d.agency_code,
    d.dossier_code,
        CASE
            WHEN (m.kind = 'apology'::text) THEN m.occasion
            ELSE COALESCE(( SELECT ('number '::text || t.source_transition_id)
               FROM motcua.transitions t
              WHERE (t.transition_id = m.transition_id)), 'row'::text)
        END AS known_elsewhere_as
   FROM ((((motcua.messages m
     JOIN motcua.dossiers d ON ((m.dossier_id = d.dossier_id)))
     JOIN motcua.agencies g ON ((d.agency_code = g.agency_code)))
     JOIN motcua.sources s ON ((d.source_id = s.source_id)))
     LEFT JOIN LATERAL motcua.occasion_standing(m.dossier_id, m.transition_id, m.kind) w(gone, waits_until) ON ((m.kind <> 'apology'::text)));

-- Name: page_requests_request_no_seq; Type: SEQUENCE; Schema: motcua; Owner: -

ALTER TABLE motcua.page_requests ALTER COLUMN request_no ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME motcua.page_requests_request_no_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

-- Name: personal_data_purges_purge_id_seq; Type: SEQUENCE; Schema: motcua; Owner: -

ALTER TABLE motcua.personal_data_purges ALTER COLUMN purge_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME motcua.personal_data_purges_purge_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

-- Name: personal_data_requests_request_id_seq; Type: SEQUENCE; Schema: motcua; Owner: -

ALTER TABLE motcua.personal_data_requests ALTER COLUMN request_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME motcua.personal_data_requests_request_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

-- Name: phone_changes; Type: TABLE; Schema: motcua; Owner: -

CREATE TABLE motcua.phone_changes (
    change_id bigint NOT NULL,
    dossier_id bigint NOT NULL
)
WITH (autovacuum_vacuum_scale_factor='0', autovacuum_vacuum_threshold='1000');

-- Name: phone_changes_change_id_seq; Type: SEQUENCE; Schema: motcua; Owner: -

ALTER TABLE motcua.phone_changes ALTER COLUMN change_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME motcua.phone_changes_change_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

-- Name: phone_searches_search_id_seq; Type: SEQUENCE; Schema: motcua; Owner: -

ALTER TABLE motcua.phone_searches ALTER COLUMN search_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME motcua.phone_searches_search_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

-- Name: pick_ups; Type: TABLE; Schema: motcua; Owner: -

CREATE TABLE motcua.pick_ups (
    run_no bigint NOT NULL,
    source_id smallint NOT NULL,
    agency_code text NOT NULL,
    transitions integer NOT NULL,
    dossiers integer NOT NULL,
    CONSTRAINT pick_ups_dossiers_check CHECK ((dossiers >= 0)),
    CONSTRAINT pick_ups_transitions_check CHECK ((transitions >= 0))
);

-- Name: portal_figures_figure_no_seq; Type: SEQUENCE; Schema: motcua; Owner: -

ALTER TABLE motcua.portal_figures ALTER COLUMN figure_no ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME motcua.portal_figures_figure_no_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

-- Name: procedures; Type: TABLE; Schema: motcua; Owner: -

CREATE TABLE motcua.procedures (
    procedure_code text NOT NULL,
    name text,
    field_name text
);

-- Name: pseudonym_key; Type: TABLE; Schema: motcua; Owner: -

CREATE TABLE motcua.pseudonym_key (
    one boolean DEFAULT true NOT NULL,
    key bytea NOT NULL,
    CONSTRAINT pseudonym_key_key_check CHECK ((length(key) = 32)),
    CONSTRAINT pseudonym_key_one_check CHECK (one)
);

-- Name: publication_verifications_verification_no_seq; Type: SEQUENCE; Schema: motcua; Owner: -

ALTER TABLE motcua.publication_verifications ALTER COLUMN verification_no ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME motcua.publication_verifications_verification_no_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

-- Name: quality_runs_run_no_seq; Type: SEQUENCE; Schema: motcua; Owner: -

ALTER TABLE motcua.quality_runs ALTER COLUMN run_no ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME motcua.quality_runs_run_no_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

-- Name: quarantine_quarantine_id_seq; Type: SEQUENCE; Schema: motcua; Owner: -

ALTER TABLE motcua.quarantine ALTER COLUMN quarantine_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME motcua.quarantine_quarantine_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

-- Name: receipts_receipt_id_seq; Type: SEQUENCE; Schema: motcua; Owner: -

ALTER TABLE motcua.receipts ALTER COLUMN receipt_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME motcua.receipts_receipt_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

-- Name: refused_statements_refusal_no_seq; Type: SEQUENCE; Schema: motcua; Owner: -

ALTER TABLE motcua.refused_statements ALTER COLUMN refusal_no ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME motcua.refused_statements_refusal_no_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

-- Name: releases_release_id_seq; Type: SEQUENCE; Schema: motcua; Owner: -

ALTER TABLE motcua.releases ALTER COLUMN release_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME motcua.releases_release_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

-- Name: report_mails_report_mail_id_seq; Type: SEQUENCE; Schema: motcua; Owner: -

ALTER TABLE motcua.report_mails ALTER COLUMN report_mail_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME motcua.report_mails_report_mail_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

-- Name: runs; Type: TABLE; Schema: motcua; Owner: -

CREATE TABLE motcua.runs (
    run_no bigint NOT NULL,
    dag_id text NOT NULL,
    run_id text NOT NULL,
    began_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    left_undone text,
    CONSTRAINT runs_dag_id_check CHECK ((btrim(dag_id) <> ''::text)),
    CONSTRAINT runs_left_undone_check CHECK ((btrim(left_undone) <> ''::text)),
    CONSTRAINT runs_run_id_check CHECK ((btrim(run_id) <> ''::text))
);

-- Name: runs_run_no_seq; Type: SEQUENCE; Schema: motcua; Owner: -

ALTER TABLE motcua.runs ALTER COLUMN run_no ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME motcua.runs_run_no_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

-- Name: sender_life; Type: TABLE; Schema: motcua; Owner: -

CREATE TABLE motcua.sender_life (
    only_one boolean DEFAULT true NOT NULL,
    looked_at timestamp with time zone NOT NULL,
    woke_at timestamp with time zone NOT NULL,
    journal_fault text,
    CONSTRAINT sender_life_only_one_check CHECK (only_one)
);

-- Name: sending_conditions; Type: VIEW; Schema: motcua; Owner: -

CREATE VIEW motcua.sending_conditions AS
 SELECT m.message_id,
    m.msisdn,
    m.phone_refusal,
    m.returned_at,
    m.kind_off,
    m.occasion_holds,
    others.told_at,
    others.unsettled_since,
    m.source_read_at,
    m.gone,
    m.waits_until,
    m.waits_for_row,
    (others.is_told AND COALESCE(motcua.is_told_of(m.dossier_id, m.transition_id, m.kind, '{accepted,delivered,unconfirmed}'::text[]), false)) AS told_of_this,
    (others.is_unsettled AND COALESCE(motcua.is_told_of(m.dossier_id, m.transition_id, m.kind, '{sending,unknown}'::text[]), false)) AS unsettled_of_this,
    m.source,
    m.agency_code,
    m.dossier_code,
    m.known_elsewhere_as
   FROM (motcua.occasion_conditions m
     CROSS JOIN LATERAL ( SELECT max(o.accepted_at) FILTER (WHERE (o.state = ANY (ARRAY['accepted'::text, 'delivered'::text, 'unconfirmed'::text]))) AS told_at,
            max(( SELECT max(a.started_at) AS max
                   FROM motcua.attempts a
                  WHERE (a.message_id = o.message_id))) FILTER (WHERE (o.state = ANY (ARRAY['sending'::text, 'unknown'::text]))) AS unsettled_since,
            COALESCE(bool_or((o.state = ANY (ARRAY['accepted'::text, 'delivered'::text, 'unconfirmed'::text]))), false) AS is_told,
            COALESCE(bool_or((o.state = ANY (ARRAY['sending'::text, 'unknown'::text]))), false) AS is_unsettled
           FROM motcua.messages o
          WHERE ((o.dossier_id = m.dossier_id) AND (o.kind = m.kind) AND (o.message_id <> m.message_id))) others);

-- Name: source_checks; Type: TABLE; Schema: motcua; Owner: -

CREATE TABLE motcua.source_checks (
    source text NOT NULL,
    checked_at timestamp with time zone NOT NULL,
    dossiers integer NOT NULL,
    transitions integer NOT NULL,
    findings jsonb NOT NULL,
    CONSTRAINT source_checks_dossiers_check CHECK ((dossiers >= 0)),
    CONSTRAINT source_checks_findings_check CHECK ((jsonb_typeof(findings) = 'array'::text)),
    CONSTRAINT source_checks_source_check CHECK ((source ~ '^[a-z0-9_]+$'::text)),
    CONSTRAINT source_checks_transitions_check CHECK ((transitions >= 0))
);

-- Name: source_numberings; Type: TABLE; Schema: motcua; Owner: -

CREATE TABLE motcua.source_numberings (
    source_id smallint NOT NULL,
    recorded_from timestamp with time zone NOT NULL,
    added bigint NOT NULL,
    noticed_at timestamp with time zone NOT NULL,
    CONSTRAINT source_numberings_added_check CHECK ((added > 0))
);

-- Name: sources_source_id_seq; Type: SEQUENCE; Schema: motcua; Owner: -

ALTER TABLE motcua.sources ALTER COLUMN source_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME motcua.sources_source_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

-- Name: statement_matches_match_id_seq; Type: SEQUENCE; Schema: motcua; Owner: -

ALTER TABLE motcua.statement_matches ALTER COLUMN match_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME motcua.statement_matches_match_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

-- Name: statement_uploads; Type: TABLE; Schema: motcua; Owner: -

CREATE TABLE motcua.statement_uploads (
    upload_no bigint NOT NULL,
    form text NOT NULL,
    month date NOT NULL,
    file_name text NOT NULL,
    sha256 text NOT NULL,
    uploaded_at timestamp with time zone NOT NULL,
    uploaded_by text NOT NULL,
    CONSTRAINT statement_uploads_file_name_check CHECK ((btrim(file_name) <> ''::text)),
    CONSTRAINT statement_uploads_form_check CHECK ((form ~ '^[a-z0-9_]+$'::text)),
    CONSTRAINT statement_uploads_month_check CHECK ((EXTRACT(day FROM month) = (1)::numeric)),
    CONSTRAINT statement_uploads_sha256_check CHECK ((sha256 ~ '^[0-9a-f]{64}$'::text)),
    CONSTRAINT statement_uploads_uploaded_by_check CHECK ((btrim(uploaded_by) <> ''::text))
);

-- Name: statement_uploads_upload_no_seq; Type: SEQUENCE; Schema: motcua; Owner: -

ALTER TABLE motcua.statement_uploads ALTER COLUMN upload_no ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME motcua.statement_uploads_upload_no_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

-- Name: status_map_changes_change_id_seq; Type: SEQUENCE; Schema: motcua; Owner: -

ALTER TABLE motcua.status_map_changes ALTER COLUMN change_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME motcua.status_map_changes_change_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

-- Name: stops_stop_id_seq; Type: SEQUENCE; Schema: motcua; Owner: -

ALTER TABLE motcua.stops ALTER COLUMN stop_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME motcua.stops_stop_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

-- Name: template_registration_changes_change_id_seq; Type: SEQUENCE; Schema: motcua; Owner: -

ALTER TABLE motcua.template_registration_changes ALTER COLUMN change_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME motcua.template_registration_changes_change_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

-- Name: transitions_transition_id_seq; Type: SEQUENCE; Schema: motcua; Owner: -

ALTER TABLE motcua.transitions ALTER COLUMN transition_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME motcua.transitions_transition_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

-- Name: unread_receipts; Type: TABLE; Schema: motcua; Owner: -

CREATE TABLE motcua.unread_receipts (
    receipt_id bigint NOT NULL
)
WITH (autovacuum_vacuum_scale_factor='0', autovacuum_vacuum_threshold='1000');

-- Name: user_agencies; Type: TABLE; Schema: motcua; Owner: -

CREATE TABLE motcua.user_agencies (
    user_name text NOT NULL,
    agency_code text NOT NULL,
    since timestamp with time zone NOT NULL,
    given_by text NOT NULL,
    CONSTRAINT user_agencies_given_by_check CHECK ((btrim(given_by) <> ''::text)),
    CONSTRAINT user_agencies_user_name_check CHECK ((btrim(user_name) <> ''::text))
);

-- Name: user_agency_changes_change_id_seq; Type: SEQUENCE; Schema: motcua; Owner: -

ALTER TABLE motcua.user_agency_changes ALTER COLUMN change_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME motcua.user_agency_changes_change_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

-- Name: watch_life; Type: TABLE; Schema: motcua; Owner: -

CREATE TABLE motcua.watch_life (
    only_one boolean DEFAULT true NOT NULL,
    began_at timestamp with time zone NOT NULL,
    looked_at timestamp with time zone NOT NULL,
    looks jsonb NOT NULL,
    recipients integer NOT NULL,
    unsent integer NOT NULL,
    unsent_since timestamp with time zone,
    CONSTRAINT watch_life_check CHECK (((unsent = 0) = (unsent_since IS NULL))),
    CONSTRAINT watch_life_only_one_check CHECK (only_one),
    CONSTRAINT watch_life_recipients_check CHECK ((recipients >= 0)),
    CONSTRAINT watch_life_unsent_check CHECK ((unsent >= 0))
);

-- Name: actor_days; Type: TABLE; Schema: quality; Owner: -

CREATE UNLOGGED TABLE quality.actor_days (
    agency_code text NOT NULL,
    actor text NOT NULL,
    day date NOT NULL,
    changes integer NOT NULL,
    batch integer NOT NULL
)
WITH (autovacuum_enabled='false');

-- Name: agencies; Type: TABLE; Schema: quality; Owner: -

CREATE UNLOGGED TABLE quality.agencies (
    agency_code text NOT NULL,
    answers text,
    calendar smallint NOT NULL,
    apology_day text NOT NULL,
    enabled_from timestamp with time zone,
    today integer NOT NULL
)
WITH (autovacuum_enabled='false');

-- Name: agency_counts; Type: TABLE; Schema: quality; Owner: -

CREATE UNLOGGED TABLE quality.agency_counts (
    agency_code text,
    in_ledger integer NOT NULL,
    in_snapshot integer NOT NULL,
    received integer NOT NULL,
    received_in_months integer NOT NULL
)
WITH (autovacuum_enabled='false');

-- Name: agency_days; Type: TABLE; Schema: quality; Owner: -

CREATE UNLOGGED TABLE quality.agency_days (
    source_id smallint NOT NULL,
    agency_code text NOT NULL,
    day date NOT NULL,
    changes integer NOT NULL
)
WITH (autovacuum_enabled='false');

-- Name: agency_month_facts; Type: TABLE; Schema: quality; Owner: -

CREATE UNLOGGED TABLE quality.agency_month_facts (
    subject text,
    agency_code text,
    month date NOT NULL,
    procedure_code text,
    received integer NOT NULL,
    textable integer NOT NULL,
    previous_received integer NOT NULL,
    previous_textable integer NOT NULL,
    results integer NOT NULL,
    uncollected integer NOT NULL,
    uncollected_usual numeric,
    collected integer NOT NULL,
    at_once integer NOT NULL,
    beats integer NOT NULL,
    beats_usual numeric,
    pauses integer NOT NULL,
    late_pauses integer NOT NULL,
    late_pauses_usual numeric,
    batch_days integer NOT NULL,
    batch_users integer NOT NULL,
    batch_changes integer NOT NULL,
    expected integer NOT NULL,
    delivered integer NOT NULL,
    no_phone integer NOT NULL
)
WITH (autovacuum_enabled='false');

-- Name: days; Type: TABLE; Schema: quality; Owner: -

CREATE UNLOGGED TABLE quality.days (
    calendar smallint NOT NULL,
    day date NOT NULL,
    working boolean NOT NULL,
    nth integer NOT NULL,
    previous_working_day date
)
WITH (autovacuum_enabled='false');

-- Name: desk_register; Type: TABLE; Schema: quality; Owner: -

CREATE UNLOGGED TABLE quality.desk_register (
    source_id smallint NOT NULL,
    agency_code text NOT NULL,
    dossier_code text NOT NULL,
    result_ready_at timestamp with time zone,
    handed_over_at timestamp with time zone
)
WITH (autovacuum_enabled='false');

-- Name: dossier_facts; Type: TABLE; Schema: quality; Owner: -

CREATE UNLOGGED TABLE quality.dossier_facts (
    dossier_id bigint NOT NULL,
    agency_code text,
    status_code smallint,
    ended boolean NOT NULL,
    textable boolean NOT NULL,
    due_on_day_off boolean,
    phone_refusal text,
    phone_notes text[],
    phone_owners integer,
    number_failed_at timestamp with time zone,
    own_number_failed_at timestamp with time zone,
    reopened_at timestamp with time zone,
    supplement_at timestamp with time zone,
    supplement_days integer,
    result_note_at timestamp with time zone,
    refiled_at timestamp with time zone,
    refiled_days integer,
    beat_at timestamp with time zone,
    paused_at timestamp with time zone,
    pause_month date,
    paused_late boolean NOT NULL,
    due_moved_at timestamp with time zone,
    due_late_moves integer,
    due_unexplained_moves integer,
    procedure_changed_at timestamp with time zone,
    withdrawn_at timestamp with time zone,
    withdrawal_asked boolean NOT NULL,
    inquiries integer,
    last_inquiry_at timestamp with time zone,
    complained_at timestamp with time zone,
    skipped_at timestamp with time zone,
    odd_hours_at timestamp with time zone,
    day_off_at timestamp with time zone,
    before_receipt_at timestamp with time zone,
    in_future_at timestamp with time zone,
    cleaned_time_at timestamp with time zone,
    cleaned text,
    register_offered boolean NOT NULL,
    register_ready_at timestamp with time zone,
    register_handed_at timestamp with time zone,
    idle_days integer,
    waiting_days integer,
    term_days integer,
    pickup_days integer,
    received_at timestamp with time zone,
    due_at timestamp with time zone,
    last_event_at timestamp with time zone,
    result_at timestamp with time zone,
    desk_result_at timestamp with time zone,
    collected_at timestamp with time zone,
    collected_at_once boolean NOT NULL,
    same_day boolean NOT NULL,
    told_result boolean NOT NULL,
    result_message text,
    enabled boolean NOT NULL,
    received_month date,
    result_month date,
    desk_result_month date,
    collected_month date,
    procedure_code text NOT NULL,
    source_id smallint NOT NULL
)
WITH (autovacuum_enabled='false');

-- Name: dossiers; Type: TABLE; Schema: quality; Owner: -

CREATE UNLOGGED TABLE quality.dossiers (
    dossier_id bigint NOT NULL,
    agency_code text NOT NULL,
    answers text,
    source_id smallint NOT NULL,
    procedure_code text NOT NULL,
    status_code smallint,
    received_at timestamp with time zone,
    received_nth integer,
    due_at timestamp with time zone,
    due_day date,
    due_nth integer,
    due_working boolean,
    eve date,
    finished_at timestamp with time zone,
    returned_at timestamp with time zone,
    updated_at timestamp with time zone,
    textable boolean NOT NULL,
    phone_refusal text,
    phone_notes text[]
)
WITH (autovacuum_enabled='false');

-- Name: edited; Type: TABLE; Schema: quality; Owner: -

CREATE UNLOGGED TABLE quality.edited (
    dossier_id bigint NOT NULL
)
WITH (autovacuum_enabled='false');

-- Name: found; Type: TABLE; Schema: quality; Owner: -

CREATE UNLOGGED TABLE quality.found (
    rule text NOT NULL,
    subject text NOT NULL,
    level text NOT NULL,
    agency_code text,
    since timestamp with time zone,
    facts jsonb NOT NULL
)
WITH (autovacuum_enabled='false');

-- Name: ledger_counts; Type: TABLE; Schema: quality; Owner: -

CREATE UNLOGGED TABLE quality.ledger_counts (
    agency_code text NOT NULL,
    dossiers integer NOT NULL
)
WITH (autovacuum_enabled='false');

-- Name: marks; Type: TABLE; Schema: quality; Owner: -

CREATE UNLOGGED TABLE quality.marks (
    dossier_id bigint NOT NULL,
    due_moved_at timestamp with time zone,
    late_moves integer,
    unexplained_moves integer,
    due_day_at_pause date,
    procedure_changed_at timestamp with time zone,
    phone_owners integer,
    number_failed_at timestamp with time zone,
    own_number_failed_at timestamp with time zone,
    refiled_at timestamp with time zone,
    refiled_nth integer,
    inquiries integer,
    last_inquiry_at timestamp with time zone,
    complained_at timestamp with time zone,
    cleaned_time_at timestamp with time zone,
    cleaned text,
    register_ready_at timestamp with time zone,
    register_handed_at timestamp with time zone
)
WITH (autovacuum_enabled='false');

-- Name: month_cells; Type: TABLE; Schema: quality; Owner: -

CREATE UNLOGGED TABLE quality.month_cells (
    agency_code text,
    procedure_code text NOT NULL,
    month date NOT NULL,
    received integer NOT NULL,
    textable integer NOT NULL,
    results integer NOT NULL,
    uncollected integer NOT NULL,
    collected integer NOT NULL,
    at_once integer NOT NULL,
    beats integer NOT NULL,
    pauses integer NOT NULL,
    late_pauses integer NOT NULL,
    expected integer NOT NULL,
    delivered integer NOT NULL,
    no_phone integer NOT NULL
)
WITH (autovacuum_enabled='false');

-- Name: moves; Type: TABLE; Schema: quality; Owner: -

CREATE UNLOGGED TABLE quality.moves (
    dossier_id bigint NOT NULL,
    last_status smallint NOT NULL,
    last_recorded_at timestamp with time zone NOT NULL,
    last_occurred_at timestamp with time zone NOT NULL,
    last_nth integer,
    first_actor text,
    result_at timestamp with time zone,
    result_nth integer,
    desk_result_at timestamp with time zone,
    collected_at timestamp with time zone,
    collected_nth integer,
    reopened_at timestamp with time zone,
    supplement_at timestamp with time zone,
    supplement_nth integer,
    supplement_from timestamp with time zone,
    result_note_at timestamp with time zone,
    evening_at timestamp with time zone,
    withdrawn_at timestamp with time zone,
    withdrawal_asked boolean NOT NULL,
    paused_at timestamp with time zone,
    skipped_at timestamp with time zone,
    odd_hours_at timestamp with time zone,
    day_off_at timestamp with time zone
)
WITH (autovacuum_enabled='false');

-- Name: register_readings; Type: TABLE; Schema: quality; Owner: -

CREATE UNLOGGED TABLE quality.register_readings (
    source_id smallint NOT NULL,
    failure text
)
WITH (autovacuum_enabled='false');

-- Name: result_messages; Type: TABLE; Schema: quality; Owner: -

CREATE UNLOGGED TABLE quality.result_messages (
    dossier_id bigint NOT NULL,
    told boolean NOT NULL,
    outcome text NOT NULL
)
WITH (autovacuum_enabled='false');

-- Name: source_facts; Type: TABLE; Schema: quality; Owner: -

CREATE UNLOGGED TABLE quality.source_facts (
    subject text NOT NULL,
    source_id smallint NOT NULL,
    agency_code text,
    picked_up_at timestamp with time zone,
    hours_unread numeric,
    failed_at timestamp with time zone,
    last_transition_at timestamp with time zone,
    silent_days integer,
    recent numeric NOT NULL,
    usual numeric NOT NULL,
    unknown_codes integer NOT NULL,
    unknown_since timestamp with time zone,
    unusable_rows integer NOT NULL,
    unusable_since timestamp with time zone,
    register_failure text
)
WITH (autovacuum_enabled='false');

-- Name: usual_waits; Type: TABLE; Schema: quality; Owner: -

CREATE UNLOGGED TABLE quality.usual_waits (
    procedure_code text NOT NULL,
    collected integer NOT NULL,
    median numeric NOT NULL,
    deviation numeric NOT NULL
)
WITH (autovacuum_enabled='false');

-- Name: lines; Type: TABLE; Schema: statements; Owner: -

CREATE UNLOGGED TABLE statements.lines (
    direction text NOT NULL,
    line_no integer NOT NULL,
    reference text,
    gateway_reference text,
    msisdn text,
    sent_at timestamp with time zone NOT NULL,
    segments integer NOT NULL,
    price numeric(14,4),
    amount numeric(16,2),
    carrier text,
    status text,
    billed boolean NOT NULL
);
ALTER TABLE ONLY statements.lines ALTER COLUMN msisdn SET STATISTICS 0;

-- Name: ours; Type: TABLE; Schema: statements; Owner: -

CREATE UNLOGGED TABLE statements.ours (
    direction text NOT NULL,
    our_id bigint NOT NULL,
    reference text,
    gateway_reference text,
    msisdn text,
    at timestamp with time zone NOT NULL,
    segments integer NOT NULL,
    state text,
    carrier text,
    taken boolean NOT NULL,
    in_month boolean NOT NULL,
    covered boolean NOT NULL,
    billed_before boolean NOT NULL
);
ALTER TABLE ONLY statements.ours ALTER COLUMN msisdn SET STATISTICS 0;

-- Name: pairs; Type: TABLE; Schema: statements; Owner: -

CREATE UNLOGGED TABLE statements.pairs (
    direction text NOT NULL,
    line_no integer NOT NULL,
    our_id bigint NOT NULL,
    matched_by text NOT NULL,
    repeated boolean NOT NULL
);

-- Name: client_agencies client_agencies_pkey; Type: CONSTRAINT; Schema: intake; Owner: -

ALTER TABLE ONLY intake.client_agencies
    ADD CONSTRAINT client_agencies_pkey PRIMARY KEY (client_id, agency_code);

-- Name: client_changes client_changes_pkey; Type: CONSTRAINT; Schema: intake; Owner: -

ALTER TABLE ONLY intake.client_changes
    ADD CONSTRAINT client_changes_pkey PRIMARY KEY (change_id);

-- Name: client_days client_days_pkey; Type: CONSTRAINT; Schema: intake; Owner: -

ALTER TABLE ONLY intake.client_days
    ADD CONSTRAINT client_days_pkey PRIMARY KEY (client_id, day, service);

-- Name: client_hours client_hours_pkey; Type: CONSTRAINT; Schema: intake; Owner: -

ALTER TABLE ONLY intake.client_hours
    ADD CONSTRAINT client_hours_pkey PRIMARY KEY (client_id, hour);

-- Name: clients clients_name_key; Type: CONSTRAINT; Schema: intake; Owner: -

ALTER TABLE ONLY intake.clients
    ADD CONSTRAINT clients_name_key UNIQUE (name);

-- Name: clients clients_pkey; Type: CONSTRAINT; Schema: intake; Owner: -

ALTER TABLE ONLY intake.clients
    ADD CONSTRAINT clients_pkey PRIMARY KEY (client_id);

-- Name: export_forms export_forms_pkey; Type: CONSTRAINT; Schema: intake; Owner: -

ALTER TABLE ONLY intake.export_forms
    ADD CONSTRAINT export_forms_pkey PRIMARY KEY (form_no);

-- Name: exported_dossiers exported_dossiers_pkey; Type: CONSTRAINT; Schema: intake; Owner: -

ALTER TABLE ONLY intake.exported_dossiers
    ADD CONSTRAINT exported_dossiers_pkey PRIMARY KEY (dossier_no);

-- Name: exports exports_pkey; Type: CONSTRAINT; Schema: intake; Owner: -

ALTER TABLE ONLY intake.exports
    ADD CONSTRAINT exports_pkey PRIMARY KEY (export_no);

-- Name: exports exports_sent_check; Type: CHECK CONSTRAINT; Schema: intake; Owner: -

ALTER TABLE intake.exports
    ADD CONSTRAINT exports_sent_check CHECK (((sent_by IS NULL) = (sent_at IS NULL))) NOT VALID;

-- Name: exports exports_state_check; Type: CHECK CONSTRAINT; Schema: intake; Owner: -

ALTER TABLE intake.exports
    ADD CONSTRAINT exports_state_check CHECK ((state = ANY (ARRAY['waiting'::text, 'taken'::text, 'repeated'::text, 'outdated'::text, 'refused'::text, 'accepted'::text, 'removed'::text]))) NOT VALID;

-- Name: faults faults_pkey; Type: CONSTRAINT; Schema: intake; Owner: -

ALTER TABLE ONLY intake.faults
    ADD CONSTRAINT faults_pkey PRIMARY KEY (client_id, day, service, fault, field);

-- Name: numbers numbers_pkey; Type: CONSTRAINT; Schema: intake; Owner: -

ALTER TABLE ONLY intake.numbers
    ADD CONSTRAINT numbers_pkey PRIMARY KEY (source);

-- Name: pushed_dossiers pushed_dossiers_pkey; Type: CONSTRAINT; Schema: intake; Owner: -

ALTER TABLE ONLY intake.pushed_dossiers
    ADD CONSTRAINT pushed_dossiers_pkey PRIMARY KEY (dossier_no);

-- Name: pushed_dossiers pushed_dossiers_source_agency_code_dossier_code_key; Type: CONSTRAINT; Schema: intake; Owner: -

ALTER TABLE ONLY intake.pushed_dossiers
    ADD CONSTRAINT pushed_dossiers_source_agency_code_dossier_code_key UNIQUE (source, agency_code, dossier_code);

-- Name: pushed_steps pushed_steps_pkey; Type: CONSTRAINT; Schema: intake; Owner: -

ALTER TABLE ONLY intake.pushed_steps
    ADD CONSTRAINT pushed_steps_pkey PRIMARY KEY (step_no);

-- Name: pushed_steps pushed_steps_source_transition_id_key; Type: CONSTRAINT; Schema: intake; Owner: -

ALTER TABLE ONLY intake.pushed_steps
    ADD CONSTRAINT pushed_steps_source_transition_id_key UNIQUE (source, transition_id);

-- Name: recent_states recent_states_pkey; Type: CONSTRAINT; Schema: intake; Owner: -

ALTER TABLE ONLY intake.recent_states
    ADD CONSTRAINT recent_states_pkey PRIMARY KEY (source, agency_code, dossier_code, digest);

-- Name: sessions sessions_pkey; Type: CONSTRAINT; Schema: intake; Owner: -

ALTER TABLE ONLY intake.sessions
    ADD CONSTRAINT sessions_pkey PRIMARY KEY (token_digest);

-- Name: wrong_addresses wrong_addresses_pkey; Type: CONSTRAINT; Schema: intake; Owner: -

ALTER TABLE ONLY intake.wrong_addresses
    ADD CONSTRAINT wrong_addresses_pkey PRIMARY KEY (client_id);

-- Name: agencies agencies_changed_by_check; Type: CHECK CONSTRAINT; Schema: motcua; Owner: -

ALTER TABLE motcua.agencies
    ADD CONSTRAINT agencies_changed_by_check CHECK ((btrim(changed_by) <> ''::text)) NOT VALID;

-- Name: agencies agencies_pkey; Type: CONSTRAINT; Schema: motcua; Owner: -

ALTER TABLE ONLY motcua.agencies
    ADD CONSTRAINT agencies_pkey PRIMARY KEY (agency_code);

-- Name: agency_aliases agency_aliases_pkey; Type: CONSTRAINT; Schema: motcua; Owner: -

ALTER TABLE ONLY motcua.agency_aliases
    ADD CONSTRAINT agency_aliases_pkey PRIMARY KEY (alias);

-- Name: agency_changes agency_changes_changed_by_check; Type: CHECK CONSTRAINT; Schema: motcua; Owner: -

ALTER TABLE motcua.agency_changes
    ADD CONSTRAINT agency_changes_changed_by_check CHECK ((btrim(changed_by) <> ''::text)) NOT VALID;

-- Name: agency_changes agency_changes_pkey; Type: CONSTRAINT; Schema: motcua; Owner: -

ALTER TABLE ONLY motcua.agency_changes
    ADD CONSTRAINT agency_changes_pkey PRIMARY KEY (change_id);

-- Name: agency_names agency_names_pkey; Type: CONSTRAINT; Schema: motcua; Owner: -

ALTER TABLE ONLY motcua.agency_names
    ADD CONSTRAINT agency_names_pkey PRIMARY KEY (agency_code, valid_until);

-- Name: airflow_cleanings airflow_cleanings_pkey; Type: CONSTRAINT; Schema: motcua; Owner: -

ALTER TABLE ONLY motcua.airflow_cleanings
    ADD CONSTRAINT airflow_cleanings_pkey PRIMARY KEY (cleaning_id);

-- Name: alerts alerts_name_subject_raised_at_key; Type: CONSTRAINT; Schema: motcua; Owner: -

ALTER TABLE ONLY motcua.alerts
    ADD CONSTRAINT alerts_name_subject_raised_at_key UNIQUE (name, subject, raised_at);

-- Name: alerts alerts_pkey; Type: CONSTRAINT; Schema: motcua; Owner: -

ALTER TABLE ONLY motcua.alerts
    ADD CONSTRAINT alerts_pkey PRIMARY KEY (alert_id);

-- Name: apology_evenings apology_evenings_pkey; Type: CONSTRAINT; Schema: motcua; Owner: -

ALTER TABLE ONLY motcua.apology_evenings
    ADD CONSTRAINT apology_evenings_pkey PRIMARY KEY (agency_code, day);

-- Name: attempts attempts_pkey; Type: CONSTRAINT; Schema: motcua; Owner: -

ALTER TABLE ONLY motcua.attempts
    ADD CONSTRAINT attempts_pkey PRIMARY KEY (attempt_id);

-- Name: attempts attempts_reference_key; Type: CONSTRAINT; Schema: motcua; Owner: -

ALTER TABLE ONLY motcua.attempts
    ADD CONSTRAINT attempts_reference_key UNIQUE (reference);

-- Name: believed_sleeps believed_sleeps_pkey; Type: CONSTRAINT; Schema: motcua; Owner: -

ALTER TABLE ONLY motcua.believed_sleeps
    ADD CONSTRAINT believed_sleeps_pkey PRIMARY KEY (belief_no);

-- Name: calendar_changes calendar_changes_changed_by_check; Type: CHECK CONSTRAINT; Schema: motcua; Owner: -

ALTER TABLE motcua.calendar_changes
    ADD CONSTRAINT calendar_changes_changed_by_check CHECK ((btrim(changed_by) <> ''::text)) NOT VALID;

-- Name: calendar_changes calendar_changes_pkey; Type: CONSTRAINT; Schema: motcua; Owner: -

ALTER TABLE ONLY motcua.calendar_changes
    ADD CONSTRAINT calendar_changes_pkey PRIMARY KEY (change_id);

-- Name: calendar_days calendar_days_pkey; Type: CONSTRAINT; Schema: motcua; Owner: -

ALTER TABLE ONLY motcua.calendar_days
    ADD CONSTRAINT calendar_days_pkey PRIMARY KEY (calendar_day_id);

-- Name: calendar_days calendar_days_province_agency_code_day_origin_key; Type: CONSTRAINT; Schema: motcua; Owner: -

ALTER TABLE ONLY motcua.calendar_days
    ADD CONSTRAINT calendar_days_province_agency_code_day_origin_key UNIQUE NULLS NOT DISTINCT (province, agency_code, day, origin);

-- Name: calendar_years calendar_years_pkey; Type: CONSTRAINT; Schema: motcua; Owner: -

ALTER TABLE ONLY motcua.calendar_years
    ADD CONSTRAINT calendar_years_pkey PRIMARY KEY (province, year);

-- Name: carrier_statements carrier_statements_pkey; Type: CONSTRAINT; Schema: motcua; Owner: -

ALTER TABLE ONLY motcua.carrier_statements
    ADD CONSTRAINT carrier_statements_pkey PRIMARY KEY (statement_no);

-- Name: carrier_statements carrier_statements_sha256_key; Type: CONSTRAINT; Schema: motcua; Owner: -

ALTER TABLE ONLY motcua.carrier_statements
    ADD CONSTRAINT carrier_statements_sha256_key UNIQUE (sha256);

-- Name: carrier_statements carrier_statements_supersedes_key; Type: CONSTRAINT; Schema: motcua; Owner: -

ALTER TABLE ONLY motcua.carrier_statements
    ADD CONSTRAINT carrier_statements_supersedes_key UNIQUE (supersedes);

-- Name: closing_agencies closing_agencies_pkey; Type: CONSTRAINT; Schema: motcua; Owner: -

ALTER TABLE ONLY motcua.closing_agencies
    ADD CONSTRAINT closing_agencies_pkey PRIMARY KEY (closing_no, agency_code);

-- Name: closing_changes closing_changes_pkey; Type: CONSTRAINT; Schema: motcua; Owner: -

ALTER TABLE ONLY motcua.closing_changes
    ADD CONSTRAINT closing_changes_pkey PRIMARY KEY (closing_no, agency_code, procedure_code, kind, figure);

-- Name: closing_differences closing_differences_pkey; Type: CONSTRAINT; Schema: motcua; Owner: -

ALTER TABLE ONLY motcua.closing_differences
    ADD CONSTRAINT closing_differences_pkey PRIMARY KEY (difference_no);

-- Name: closing_dossier_sums closing_dossier_sums_pkey; Type: CONSTRAINT; Schema: motcua; Owner: -

ALTER TABLE ONLY motcua.closing_dossier_sums
    ADD CONSTRAINT closing_dossier_sums_pkey PRIMARY KEY (closing_no, agency_code);

-- Name: closing_dossiers closing_dossiers_pkey; Type: CONSTRAINT; Schema: motcua; Owner: -

ALTER TABLE ONLY motcua.closing_dossiers
    ADD CONSTRAINT closing_dossiers_pkey PRIMARY KEY (closing_no, agency_code, procedure_code);

-- Name: closing_message_sums closing_message_sums_pkey; Type: CONSTRAINT; Schema: motcua; Owner: -

ALTER TABLE ONLY motcua.closing_message_sums
    ADD CONSTRAINT closing_message_sums_pkey PRIMARY KEY (closing_no, agency_code, kind, balances);

-- Name: closing_messages closing_messages_pkey; Type: CONSTRAINT; Schema: motcua; Owner: -

ALTER TABLE ONLY motcua.closing_messages
    ADD CONSTRAINT closing_messages_pkey PRIMARY KEY (closing_no, agency_code, procedure_code, kind);

-- Name: closing_orphans closing_orphans_pkey; Type: CONSTRAINT; Schema: motcua; Owner: -

ALTER TABLE ONLY motcua.closing_orphans
    ADD CONSTRAINT closing_orphans_pkey PRIMARY KEY (orphan_no);

-- Name: closing_pushed closing_pushed_pkey; Type: CONSTRAINT; Schema: motcua; Owner: -

ALTER TABLE ONLY motcua.closing_pushed
    ADD CONSTRAINT closing_pushed_pkey PRIMARY KEY (closing_no, source, agency_code);

-- Name: closing_reason_sums closing_reason_sums_pkey; Type: CONSTRAINT; Schema: motcua; Owner: -

ALTER TABLE ONLY motcua.closing_reason_sums
    ADD CONSTRAINT closing_reason_sums_pkey PRIMARY KEY (closing_no, agency_code, kind, state, reason);

-- Name: closing_reasons closing_reasons_pkey; Type: CONSTRAINT; Schema: motcua; Owner: -

ALTER TABLE ONLY motcua.closing_reasons
    ADD CONSTRAINT closing_reasons_pkey PRIMARY KEY (closing_no, agency_code, procedure_code, kind, state, reason);

-- Name: closing_stops closing_stops_pkey; Type: CONSTRAINT; Schema: motcua; Owner: -

ALTER TABLE ONLY motcua.closing_stops
    ADD CONSTRAINT closing_stops_pkey PRIMARY KEY (closing_no, stop_id);

-- Name: closing_timings closing_timings_closing_no_agency_code_procedure_code_kind_key; Type: CONSTRAINT; Schema: motcua; Owner: -

ALTER TABLE ONLY motcua.closing_timings
    ADD CONSTRAINT closing_timings_closing_no_agency_code_procedure_code_kind_key UNIQUE NULLS NOT DISTINCT (closing_no, agency_code, procedure_code, kind);

-- Name: closings closings_corrects_key; Type: CONSTRAINT; Schema: motcua; Owner: -

ALTER TABLE ONLY motcua.closings
    ADD CONSTRAINT closings_corrects_key UNIQUE (corrects);

-- Name: closings closings_pkey; Type: CONSTRAINT; Schema: motcua; Owner: -

ALTER TABLE ONLY motcua.closings
    ADD CONSTRAINT closings_pkey PRIMARY KEY (closing_no);

-- Name: dossiers code_can_be_printed; Type: CHECK CONSTRAINT; Schema: motcua; Owner: -

ALTER TABLE motcua.dossiers
    ADD CONSTRAINT code_can_be_printed CHECK (((dossier_code = btrim(dossier_code)) AND (dossier_code !~ '[\u0001-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]'::text))) NOT VALID;

-- Name: status_maps codes_of_the_contract_are_not_mapped; Type: CHECK CONSTRAINT; Schema: motcua; Owner: -

ALTER TABLE motcua.status_maps
    ADD CONSTRAINT codes_of_the_contract_are_not_mapped CHECK (((source_status < 1) OR (source_status > 10) OR (status_code = source_status))) NOT VALID;

-- Name: complaint_changes complaint_changes_changed_by_check; Type: CHECK CONSTRAINT; Schema: motcua; Owner: -

ALTER TABLE motcua.complaint_changes
    ADD CONSTRAINT complaint_changes_changed_by_check CHECK ((btrim(changed_by) <> ''::text)) NOT VALID;

-- Name: complaint_changes complaint_changes_pkey; Type: CONSTRAINT; Schema: motcua; Owner: -

ALTER TABLE ONLY motcua.complaint_changes
    ADD CONSTRAINT complaint_changes_pkey PRIMARY KEY (change_id);

-- Name: complaints complaints_entry_key_key; Type: CONSTRAINT; Schema: motcua; Owner: -

ALTER TABLE ONLY motcua.complaints
    ADD CONSTRAINT complaints_entry_key_key UNIQUE (entry_key);

-- Name: complaints complaints_pkey; Type: CONSTRAINT; Schema: motcua; Owner: -

ALTER TABLE ONLY motcua.complaints
    ADD CONSTRAINT complaints_pkey PRIMARY KEY (complaint_id);

-- Name: counted_occasions counted_occasions_pkey; Type: CONSTRAINT; Schema: motcua; Owner: -

ALTER TABLE ONLY motcua.counted_occasions
    ADD CONSTRAINT counted_occasions_pkey PRIMARY KEY (occasion_no);

-- Name: dossier_versions dossier_versions_pkey; Type: CONSTRAINT; Schema: motcua; Owner: -

ALTER TABLE ONLY motcua.dossier_versions
    ADD CONSTRAINT dossier_versions_pkey PRIMARY KEY (version_id);

-- Name: dossiers dossiers_agency_code_dossier_code_key; Type: CONSTRAINT; Schema: motcua; Owner: -

ALTER TABLE ONLY motcua.dossiers
    ADD CONSTRAINT dossiers_agency_code_dossier_code_key UNIQUE (agency_code, dossier_code);

-- Name: dossiers dossiers_pkey; Type: CONSTRAINT; Schema: motcua; Owner: -

ALTER TABLE ONLY motcua.dossiers
    ADD CONSTRAINT dossiers_pkey PRIMARY KEY (dossier_id);

-- Name: finding_acknowledgements finding_acknowledgements_pkey; Type: CONSTRAINT; Schema: motcua; Owner: -

ALTER TABLE ONLY motcua.finding_acknowledgements
    ADD CONSTRAINT finding_acknowledgements_pkey PRIMARY KEY (acknowledgement_id);

-- Name: finding_episodes finding_episodes_pkey; Type: CONSTRAINT; Schema: motcua; Owner: -

ALTER TABLE ONLY motcua.finding_episodes
    ADD CONSTRAINT finding_episodes_pkey PRIMARY KEY (finding_id, opened_run);

-- Name: finding_rechecks finding_rechecks_pkey; Type: CONSTRAINT; Schema: motcua; Owner: -

ALTER TABLE ONLY motcua.finding_rechecks
    ADD CONSTRAINT finding_rechecks_pkey PRIMARY KEY (recheck_id);

-- Name: cleaned_fields findings_code_dossier_id_transition_id_key; Type: CONSTRAINT; Schema: motcua; Owner: -

ALTER TABLE ONLY motcua.cleaned_fields
    ADD CONSTRAINT findings_code_dossier_id_transition_id_key UNIQUE NULLS NOT DISTINCT (code, dossier_id, transition_id);

-- Name: cleaned_fields findings_pkey; Type: CONSTRAINT; Schema: motcua; Owner: -

ALTER TABLE ONLY motcua.cleaned_fields
    ADD CONSTRAINT findings_pkey PRIMARY KEY (cleaned_field_id);

-- Name: findings findings_pkey1; Type: CONSTRAINT; Schema: motcua; Owner: -

ALTER TABLE ONLY motcua.findings
    ADD CONSTRAINT findings_pkey1 PRIMARY KEY (finding_id);

-- Name: findings findings_rule_subject_key; Type: CONSTRAINT; Schema: motcua; Owner: -

ALTER TABLE ONLY motcua.findings
    ADD CONSTRAINT findings_rule_subject_key UNIQUE (rule, subject);

-- Name: gaps gaps_closed_by_check; Type: CHECK CONSTRAINT; Schema: motcua; Owner: -

ALTER TABLE motcua.gaps
    ADD CONSTRAINT gaps_closed_by_check CHECK ((btrim(closed_by) <> ''::text)) NOT VALID;

-- Name: gaps gaps_kind_check; Type: CHECK CONSTRAINT; Schema: motcua; Owner: -

ALTER TABLE motcua.gaps
    ADD CONSTRAINT gaps_kind_check CHECK ((kind = ANY (ARRAY['behind_journal'::text, 'other_journal'::text, 'behind_watch'::text, 'slept'::text]))) NOT VALID;

-- Name: gaps gaps_pkey; Type: CONSTRAINT; Schema: motcua; Owner: -

ALTER TABLE ONLY motcua.gaps
    ADD CONSTRAINT gaps_pkey PRIMARY KEY (gap_no);

-- Name: gateway_changes gateway_changes_changed_by_check; Type: CHECK CONSTRAINT; Schema: motcua; Owner: -

ALTER TABLE motcua.gateway_changes
    ADD CONSTRAINT gateway_changes_changed_by_check CHECK ((btrim(changed_by) <> ''::text)) NOT VALID;

-- Name: gateway_changes gateway_changes_pkey; Type: CONSTRAINT; Schema: motcua; Owner: -

ALTER TABLE ONLY motcua.gateway_changes
    ADD CONSTRAINT gateway_changes_pkey PRIMARY KEY (change_id);

-- Name: gateway_days gateway_days_pkey; Type: CONSTRAINT; Schema: motcua; Owner: -

ALTER TABLE ONLY motcua.gateway_days
    ADD CONSTRAINT gateway_days_pkey PRIMARY KEY (gateway, day);

-- Name: gateway_stops gateway_stops_pkey; Type: CONSTRAINT; Schema: motcua; Owner: -

ALTER TABLE ONLY motcua.gateway_stops
    ADD CONSTRAINT gateway_stops_pkey PRIMARY KEY (gateway, concerns, subject);

-- Name: gateways gateways_pkey; Type: CONSTRAINT; Schema: motcua; Owner: -

ALTER TABLE ONLY motcua.gateways
    ADD CONSTRAINT gateways_pkey PRIMARY KEY (name);

-- Name: inquiries inquiries_gateway_dedupe_key_key; Type: CONSTRAINT; Schema: motcua; Owner: -

ALTER TABLE ONLY motcua.inquiries
    ADD CONSTRAINT inquiries_gateway_dedupe_key_key UNIQUE (gateway, dedupe_key);

-- Name: inquiries inquiries_message_id_key; Type: CONSTRAINT; Schema: motcua; Owner: -

ALTER TABLE ONLY motcua.inquiries
    ADD CONSTRAINT inquiries_message_id_key UNIQUE (message_id);

-- Name: inquiries inquiries_pkey; Type: CONSTRAINT; Schema: motcua; Owner: -

ALTER TABLE ONLY motcua.inquiries
    ADD CONSTRAINT inquiries_pkey PRIMARY KEY (inquiry_id);

-- Name: journals journals_pkey; Type: CONSTRAINT; Schema: motcua; Owner: -

ALTER TABLE ONLY motcua.journals
    ADD CONSTRAINT journals_pkey PRIMARY KEY (journal_no);

-- Name: lost_attempts lost_attempts_pkey; Type: CONSTRAINT; Schema: motcua; Owner: -

ALTER TABLE ONLY motcua.lost_attempts
    ADD CONSTRAINT lost_attempts_pkey PRIMARY KEY (lost_id);

-- Name: lost_attempts lost_attempts_reference_key; Type: CONSTRAINT; Schema: motcua; Owner: -

ALTER TABLE ONLY motcua.lost_attempts
    ADD CONSTRAINT lost_attempts_reference_key UNIQUE (reference);

-- Name: message_history message_history_pkey; Type: CONSTRAINT; Schema: motcua; Owner: -

ALTER TABLE ONLY motcua.message_history
    ADD CONSTRAINT message_history_pkey PRIMARY KEY (history_id);

-- Name: message_moves message_moves_pkey; Type: CONSTRAINT; Schema: motcua; Owner: -

ALTER TABLE ONLY motcua.message_moves
    ADD CONSTRAINT message_moves_pkey PRIMARY KEY (from_state, to_state);

-- Name: message_states message_states_pkey; Type: CONSTRAINT; Schema: motcua; Owner: -

ALTER TABLE ONLY motcua.message_states
    ADD CONSTRAINT message_states_pkey PRIMARY KEY (state);

-- Name: messages messages_dossier_id_kind_occasion_key; Type: CONSTRAINT; Schema: motcua; Owner: -

ALTER TABLE ONLY motcua.messages
    ADD CONSTRAINT messages_dossier_id_kind_occasion_key UNIQUE (dossier_id, kind, occasion);

-- Name: messages messages_pkey; Type: CONSTRAINT; Schema: motcua; Owner: -

ALTER TABLE ONLY motcua.messages
    ADD CONSTRAINT messages_pkey PRIMARY KEY (message_id);

-- Name: office_hours office_hours_pkey; Type: CONSTRAINT; Schema: motcua; Owner: -

ALTER TABLE ONLY motcua.office_hours
    ADD CONSTRAINT office_hours_pkey PRIMARY KEY (agency_code, valid_from);

-- Name: old_steps old_steps_pkey; Type: CONSTRAINT; Schema: motcua; Owner: -

ALTER TABLE ONLY motcua.old_steps
    ADD CONSTRAINT old_steps_pkey PRIMARY KEY (transition_id);

-- Name: page_requests page_requests_pkey; Type: CONSTRAINT; Schema: motcua; Owner: -

ALTER TABLE ONLY motcua.page_requests
    ADD CONSTRAINT page_requests_pkey PRIMARY KEY (request_no);

-- Name: personal_data_purges personal_data_purges_pkey; Type: CONSTRAINT; Schema: motcua; Owner: -

ALTER TABLE ONLY motcua.personal_data_purges
    ADD CONSTRAINT personal_data_purges_pkey PRIMARY KEY (purge_id);

-- Name: personal_data_requests personal_data_requests_pkey; Type: CONSTRAINT; Schema: motcua; Owner: -

ALTER TABLE ONLY motcua.personal_data_requests
    ADD CONSTRAINT personal_data_requests_pkey PRIMARY KEY (request_id);

-- Name: phone_changes phone_changes_pkey; Type: CONSTRAINT; Schema: motcua; Owner: -

ALTER TABLE ONLY motcua.phone_changes
    ADD CONSTRAINT phone_changes_pkey PRIMARY KEY (change_id);

-- Name: phone_searches phone_searches_pkey; Type: CONSTRAINT; Schema: motcua; Owner: -

ALTER TABLE ONLY motcua.phone_searches
    ADD CONSTRAINT phone_searches_pkey PRIMARY KEY (search_id);

-- Name: pick_ups pick_ups_pkey; Type: CONSTRAINT; Schema: motcua; Owner: -

ALTER TABLE ONLY motcua.pick_ups
    ADD CONSTRAINT pick_ups_pkey PRIMARY KEY (run_no, source_id, agency_code);

-- Name: portal_figures portal_figures_agency_code_period_file_sha256_key; Type: CONSTRAINT; Schema: motcua; Owner: -

ALTER TABLE ONLY motcua.portal_figures
    ADD CONSTRAINT portal_figures_agency_code_period_file_sha256_key UNIQUE (agency_code, period, file_sha256);

-- Name: portal_figures portal_figures_pkey; Type: CONSTRAINT; Schema: motcua; Owner: -

ALTER TABLE ONLY motcua.portal_figures
    ADD CONSTRAINT portal_figures_pkey PRIMARY KEY (figure_no);

-- Name: portal_figures portal_figures_replaces_key; Type: CONSTRAINT; Schema: motcua; Owner: -

ALTER TABLE ONLY motcua.portal_figures
    ADD CONSTRAINT portal_figures_replaces_key UNIQUE (replaces);

-- Name: procedures procedures_pkey; Type: CONSTRAINT; Schema: motcua; Owner: -

ALTER TABLE ONLY motcua.procedures
    ADD CONSTRAINT procedures_pkey PRIMARY KEY (procedure_code);

-- Name: pseudonym_key pseudonym_key_pkey; Type: CONSTRAINT; Schema: motcua; Owner: -

ALTER TABLE ONLY motcua.pseudonym_key
    ADD CONSTRAINT pseudonym_key_pkey PRIMARY KEY (one);

-- Name: publication_verifications publication_verifications_pkey; Type: CONSTRAINT; Schema: motcua; Owner: -

ALTER TABLE ONLY motcua.publication_verifications
    ADD CONSTRAINT publication_verifications_pkey PRIMARY KEY (verification_no);

-- Name: publications publications_closing_no_key; Type: CONSTRAINT; Schema: motcua; Owner: -

ALTER TABLE ONLY motcua.publications
    ADD CONSTRAINT publications_closing_no_key UNIQUE (closing_no);

-- Name: publications publications_folder_key; Type: CONSTRAINT; Schema: motcua; Owner: -

ALTER TABLE ONLY motcua.publications
    ADD CONSTRAINT publications_folder_key UNIQUE (folder);

-- Name: publications publications_manifest_sha256_key; Type: CONSTRAINT; Schema: motcua; Owner: -

ALTER TABLE ONLY motcua.publications
    ADD CONSTRAINT publications_manifest_sha256_key UNIQUE (manifest_sha256);

-- Name: publications publications_pkey; Type: CONSTRAINT; Schema: motcua; Owner: -

ALTER TABLE ONLY motcua.publications
    ADD CONSTRAINT publications_pkey PRIMARY KEY (publication_no);

-- Name: publications publications_previous_sha256_key; Type: CONSTRAINT; Schema: motcua; Owner: -

ALTER TABLE ONLY motcua.publications
    ADD CONSTRAINT publications_previous_sha256_key UNIQUE (previous_sha256);

-- Name: quality_agencies quality_agencies_pkey; Type: CONSTRAINT; Schema: motcua; Owner: -

ALTER TABLE ONLY motcua.quality_agencies
    ADD CONSTRAINT quality_agencies_pkey PRIMARY KEY (run_no, agency_code);

-- Name: quality_broken_agencies quality_broken_agencies_run_no_agency_code_fault_key; Type: CONSTRAINT; Schema: motcua; Owner: -

ALTER TABLE ONLY motcua.quality_broken_agencies
    ADD CONSTRAINT quality_broken_agencies_run_no_agency_code_fault_key UNIQUE NULLS NOT DISTINCT (run_no, agency_code, fault);

-- Name: quality_counts quality_counts_run_no_rule_agency_code_key; Type: CONSTRAINT; Schema: motcua; Owner: -

ALTER TABLE ONLY motcua.quality_counts
    ADD CONSTRAINT quality_counts_run_no_rule_agency_code_key UNIQUE NULLS NOT DISTINCT (run_no, rule, agency_code);

-- Name: quality_results quality_results_pkey; Type: CONSTRAINT; Schema: motcua; Owner: -

ALTER TABLE ONLY motcua.quality_results
    ADD CONSTRAINT quality_results_pkey PRIMARY KEY (run_no, rule);

-- Name: quality_runs quality_runs_pkey; Type: CONSTRAINT; Schema: motcua; Owner: -

ALTER TABLE ONLY motcua.quality_runs
    ADD CONSTRAINT quality_runs_pkey PRIMARY KEY (run_no);

-- Name: quality_runs quality_runs_run_id_key; Type: CONSTRAINT; Schema: motcua; Owner: -

ALTER TABLE ONLY motcua.quality_runs
    ADD CONSTRAINT quality_runs_run_id_key UNIQUE (run_id);

-- Name: quality_shares quality_shares_pkey; Type: CONSTRAINT; Schema: motcua; Owner: -

ALTER TABLE ONLY motcua.quality_shares
    ADD CONSTRAINT quality_shares_pkey PRIMARY KEY (run_no, agency_code, dimension, key, month);

-- Name: quality_sources quality_sources_pkey; Type: CONSTRAINT; Schema: motcua; Owner: -

ALTER TABLE ONLY motcua.quality_sources
    ADD CONSTRAINT quality_sources_pkey PRIMARY KEY (run_no, source_id);

-- Name: quality_suggestions quality_suggestions_pkey; Type: CONSTRAINT; Schema: motcua; Owner: -

ALTER TABLE ONLY motcua.quality_suggestions
    ADD CONSTRAINT quality_suggestions_pkey PRIMARY KEY (run_no, agency_code, kind);

-- Name: quality_withheld quality_withheld_pkey; Type: CONSTRAINT; Schema: motcua; Owner: -

ALTER TABLE ONLY motcua.quality_withheld
    ADD CONSTRAINT quality_withheld_pkey PRIMARY KEY (run_no, finding_id);

-- Name: quarantine quarantine_pkey; Type: CONSTRAINT; Schema: motcua; Owner: -

ALTER TABLE ONLY motcua.quarantine
    ADD CONSTRAINT quarantine_pkey PRIMARY KEY (quarantine_id);

-- Name: quarantine quarantine_source_id_row_kind_row_key_key; Type: CONSTRAINT; Schema: motcua; Owner: -

ALTER TABLE ONLY motcua.quarantine
    ADD CONSTRAINT quarantine_source_id_row_kind_row_key_key UNIQUE (source_id, row_kind, row_key);

-- Name: receipt_readings receipt_readings_pkey; Type: CONSTRAINT; Schema: motcua; Owner: -

ALTER TABLE ONLY motcua.receipt_readings
    ADD CONSTRAINT receipt_readings_pkey PRIMARY KEY (receipt_id);

-- Name: receipts receipts_pkey; Type: CONSTRAINT; Schema: motcua; Owner: -

ALTER TABLE ONLY motcua.receipts
    ADD CONSTRAINT receipts_pkey PRIMARY KEY (receipt_id);

-- Name: refused_statements refused_statements_pkey; Type: CONSTRAINT; Schema: motcua; Owner: -

ALTER TABLE ONLY motcua.refused_statements
    ADD CONSTRAINT refused_statements_pkey PRIMARY KEY (refusal_no);

-- Name: releases releases_attempt_id_key; Type: CONSTRAINT; Schema: motcua; Owner: -

ALTER TABLE ONLY motcua.releases
    ADD CONSTRAINT releases_attempt_id_key UNIQUE (attempt_id);

-- Name: releases releases_pkey; Type: CONSTRAINT; Schema: motcua; Owner: -

ALTER TABLE ONLY motcua.releases
    ADD CONSTRAINT releases_pkey PRIMARY KEY (release_id);

-- Name: report_mails report_mails_pkey; Type: CONSTRAINT; Schema: motcua; Owner: -

ALTER TABLE ONLY motcua.report_mails
    ADD CONSTRAINT report_mails_pkey PRIMARY KEY (report_mail_id);

-- Name: report_mails report_mails_report_report_no_body_recipient_hash_edition_key; Type: CONSTRAINT; Schema: motcua; Owner: -

ALTER TABLE ONLY motcua.report_mails
    ADD CONSTRAINT report_mails_report_report_no_body_recipient_hash_edition_key UNIQUE (report, report_no, body, recipient_hash, edition);

-- Name: rule_dates rule_dates_pkey; Type: CONSTRAINT; Schema: motcua; Owner: -

ALTER TABLE ONLY motcua.rule_dates
    ADD CONSTRAINT rule_dates_pkey PRIMARY KEY (rule);

-- Name: runs runs_pkey; Type: CONSTRAINT; Schema: motcua; Owner: -

ALTER TABLE ONLY motcua.runs
    ADD CONSTRAINT runs_pkey PRIMARY KEY (run_no);

-- Name: runs runs_run_id_dag_id_key; Type: CONSTRAINT; Schema: motcua; Owner: -

ALTER TABLE ONLY motcua.runs
    ADD CONSTRAINT runs_run_id_dag_id_key UNIQUE (run_id, dag_id);

-- Name: sender_life sender_life_pkey; Type: CONSTRAINT; Schema: motcua; Owner: -

ALTER TABLE ONLY motcua.sender_life
    ADD CONSTRAINT sender_life_pkey PRIMARY KEY (only_one);

-- Name: source_checks source_checks_pkey; Type: CONSTRAINT; Schema: motcua; Owner: -

ALTER TABLE ONLY motcua.source_checks
    ADD CONSTRAINT source_checks_pkey PRIMARY KEY (source);

-- Name: source_numberings source_numberings_pkey; Type: CONSTRAINT; Schema: motcua; Owner: -

ALTER TABLE ONLY motcua.source_numberings
    ADD CONSTRAINT source_numberings_pkey PRIMARY KEY (source_id, added);

-- Name: sources sources_name_key; Type: CONSTRAINT; Schema: motcua; Owner: -

ALTER TABLE ONLY motcua.sources
    ADD CONSTRAINT sources_name_key UNIQUE (name);

-- Name: sources sources_pkey; Type: CONSTRAINT; Schema: motcua; Owner: -

ALTER TABLE ONLY motcua.sources
    ADD CONSTRAINT sources_pkey PRIMARY KEY (source_id);

-- Name: dossiers stamp_can_be; Type: CHECK CONSTRAINT; Schema: motcua; Owner: -

ALTER TABLE motcua.dossiers
    ADD CONSTRAINT stamp_can_be CHECK (COALESCE(((stamped_at >= '2000-01-01 00:00:00+00'::timestamp with time zone) AND (stamped_at < '9000-01-01 00:00:00+00'::timestamp with time zone)), true)) NOT VALID;

-- Name: statement_difference_sums statement_difference_sums_pkey; Type: CONSTRAINT; Schema: motcua; Owner: -

ALTER TABLE ONLY motcua.statement_difference_sums
    ADD CONSTRAINT statement_difference_sums_pkey PRIMARY KEY (statement_no, direction, verdict, what);

-- Name: statement_lines statement_lines_pkey; Type: CONSTRAINT; Schema: motcua; Owner: -

ALTER TABLE ONLY motcua.statement_lines
    ADD CONSTRAINT statement_lines_pkey PRIMARY KEY (statement_no, direction, line_no);

-- Name: statement_matches statement_matches_attempt_id_statement_no_key; Type: CONSTRAINT; Schema: motcua; Owner: -

ALTER TABLE ONLY motcua.statement_matches
    ADD CONSTRAINT statement_matches_attempt_id_statement_no_key UNIQUE (attempt_id, statement_no);

-- Name: statement_matches statement_matches_differs_check; Type: CHECK CONSTRAINT; Schema: motcua; Owner: -

ALTER TABLE motcua.statement_matches
    ADD CONSTRAINT statement_matches_differs_check CHECK ((differs <@ ARRAY['number'::text, 'segments'::text, 'amount'::text, 'status'::text, 'time'::text, 'month'::text, 'repeated'::text])) NOT VALID;

-- Name: statement_matches statement_matches_pkey; Type: CONSTRAINT; Schema: motcua; Owner: -

ALTER TABLE ONLY motcua.statement_matches
    ADD CONSTRAINT statement_matches_pkey PRIMARY KEY (match_id);

-- Name: statement_matches statement_matches_statement_no_direction_line_no_key; Type: CONSTRAINT; Schema: motcua; Owner: -

ALTER TABLE ONLY motcua.statement_matches
    ADD CONSTRAINT statement_matches_statement_no_direction_line_no_key UNIQUE (statement_no, direction, line_no);

-- Name: statement_sums statement_sums_pkey; Type: CONSTRAINT; Schema: motcua; Owner: -

ALTER TABLE ONLY motcua.statement_sums
    ADD CONSTRAINT statement_sums_pkey PRIMARY KEY (statement_no, direction, verdict);

-- Name: statement_uploads statement_uploads_pkey; Type: CONSTRAINT; Schema: motcua; Owner: -

ALTER TABLE ONLY motcua.statement_uploads
    ADD CONSTRAINT statement_uploads_pkey PRIMARY KEY (upload_no);

-- Name: status_map_changes status_map_changes_pkey; Type: CONSTRAINT; Schema: motcua; Owner: -

ALTER TABLE ONLY motcua.status_map_changes
    ADD CONSTRAINT status_map_changes_pkey PRIMARY KEY (change_id);

-- Name: status_maps status_maps_pkey; Type: CONSTRAINT; Schema: motcua; Owner: -

ALTER TABLE ONLY motcua.status_maps
    ADD CONSTRAINT status_maps_pkey PRIMARY KEY (source_id, source_status);

-- Name: stops stops_pkey; Type: CONSTRAINT; Schema: motcua; Owner: -

ALTER TABLE ONLY motcua.stops
    ADD CONSTRAINT stops_pkey PRIMARY KEY (stop_id);

-- Name: template_registration_changes template_registration_changes_pkey; Type: CONSTRAINT; Schema: motcua; Owner: -

ALTER TABLE ONLY motcua.template_registration_changes
    ADD CONSTRAINT template_registration_changes_pkey PRIMARY KEY (change_id);

-- Name: template_registrations template_registrations_pkey; Type: CONSTRAINT; Schema: motcua; Owner: -

ALTER TABLE ONLY motcua.template_registrations
    ADD CONSTRAINT template_registrations_pkey PRIMARY KEY (gateway, template_id, template_version);

-- Name: dossier_versions times_can_be; Type: CHECK CONSTRAINT; Schema: motcua; Owner: -

ALTER TABLE motcua.dossier_versions
    ADD CONSTRAINT times_can_be CHECK (COALESCE(((LEAST(seen_at, updated_at, phone_entered_at, received_at, due_at, finished_at, returned_at) >= '2000-01-01 00:00:00+00'::timestamp with time zone) AND (GREATEST(seen_at, updated_at, phone_entered_at, received_at, due_at, finished_at, returned_at) < '9000-01-01 00:00:00+00'::timestamp with time zone)), true)) NOT VALID;

-- Name: dossiers times_can_be; Type: CHECK CONSTRAINT; Schema: motcua; Owner: -

ALTER TABLE motcua.dossiers
    ADD CONSTRAINT times_can_be CHECK (COALESCE(((LEAST(phone_entered_at, received_at, due_at, finished_at, returned_at, updated_at, picked_up_at) >= '2000-01-01 00:00:00+00'::timestamp with time zone) AND (GREATEST(phone_entered_at, received_at, due_at, finished_at, returned_at, updated_at, picked_up_at) < '9000-01-01 00:00:00+00'::timestamp with time zone)), true)) NOT VALID;

-- Name: transitions times_can_be; Type: CHECK CONSTRAINT; Schema: motcua; Owner: -

ALTER TABLE motcua.transitions
    ADD CONSTRAINT times_can_be CHECK (COALESCE(((LEAST(occurred_at, recorded_at, picked_up_at, planned_at) >= '2000-01-01 00:00:00+00'::timestamp with time zone) AND (GREATEST(occurred_at, recorded_at, picked_up_at, planned_at) < '9000-01-01 00:00:00+00'::timestamp with time zone)), true)) NOT VALID;

-- Name: transitions transitions_pkey; Type: CONSTRAINT; Schema: motcua; Owner: -

ALTER TABLE ONLY motcua.transitions
    ADD CONSTRAINT transitions_pkey PRIMARY KEY (transition_id);

-- Name: transitions transitions_source_id_source_transition_id_key; Type: CONSTRAINT; Schema: motcua; Owner: -

ALTER TABLE ONLY motcua.transitions
    ADD CONSTRAINT transitions_source_id_source_transition_id_key UNIQUE (source_id, source_transition_id);

-- Name: unread_receipts unread_receipts_pkey; Type: CONSTRAINT; Schema: motcua; Owner: -

ALTER TABLE ONLY motcua.unread_receipts
    ADD CONSTRAINT unread_receipts_pkey PRIMARY KEY (receipt_id);

-- Name: user_agencies user_agencies_pkey; Type: CONSTRAINT; Schema: motcua; Owner: -

ALTER TABLE ONLY motcua.user_agencies
    ADD CONSTRAINT user_agencies_pkey PRIMARY KEY (user_name, agency_code);

-- Name: user_agency_changes user_agency_changes_pkey; Type: CONSTRAINT; Schema: motcua; Owner: -

ALTER TABLE ONLY motcua.user_agency_changes
    ADD CONSTRAINT user_agency_changes_pkey PRIMARY KEY (change_id);

-- Name: watch_life watch_life_pkey; Type: CONSTRAINT; Schema: motcua; Owner: -

ALTER TABLE ONLY motcua.watch_life
    ADD CONSTRAINT watch_life_pkey PRIMARY KEY (only_one);

-- Name: client_agencies_agency; Type: INDEX; Schema: intake; Owner: -

CREATE INDEX client_agencies_agency ON intake.client_agencies USING btree (agency_code);

-- Name: client_changes_client; Type: INDEX; Schema: intake; Owner: -

CREATE INDEX client_changes_client ON intake.client_changes USING btree (client_id);

-- Name: export_forms_client; Type: INDEX; Schema: intake; Owner: -

CREATE INDEX export_forms_client ON intake.export_forms USING btree (client_id, form_no);

-- Name: exported_dossiers_export; Type: INDEX; Schema: intake; Owner: -

CREATE INDEX exported_dossiers_export ON intake.exported_dossiers USING btree (export_no);

-- Name: exported_dossiers_vanished; Type: INDEX; Schema: intake; Owner: -

CREATE INDEX exported_dossiers_vanished ON intake.exported_dossiers USING btree (vanished_in) WHERE (vanished_in IS NOT NULL);

-- Name: exports_file; Type: INDEX; Schema: intake; Owner: -

CREATE UNIQUE INDEX exports_file ON intake.exports USING btree (source, name, size, modified_at);

-- Name: exports_form; Type: INDEX; Schema: intake; Owner: -

CREATE INDEX exports_form ON intake.exports USING btree (form_no);

-- Name: exports_source; Type: INDEX; Schema: intake; Owner: -

CREATE INDEX exports_source ON intake.exports USING btree (source, export_no);

-- Name: exports_waiting; Type: INDEX; Schema: intake; Owner: -

CREATE UNIQUE INDEX exports_waiting ON intake.exports USING btree (source, name) WHERE (state = 'waiting'::text);

-- Name: pushed_dossiers_client; Type: INDEX; Schema: intake; Owner: -

CREATE INDEX pushed_dossiers_client ON intake.pushed_dossiers USING btree (client_id);

-- Name: pushed_dossiers_code; Type: INDEX; Schema: intake; Owner: -

CREATE INDEX pushed_dossiers_code ON intake.pushed_dossiers USING btree (source, dossier_code);

-- Name: pushed_dossiers_of_agency; Type: INDEX; Schema: intake; Owner: -

CREATE INDEX pushed_dossiers_of_agency ON intake.pushed_dossiers USING btree (agency_code, dossier_code);

-- Name: pushed_dossiers_updated; Type: INDEX; Schema: intake; Owner: -

CREATE INDEX pushed_dossiers_updated ON intake.pushed_dossiers USING btree (source, updated_at);

-- Name: pushed_steps_client; Type: INDEX; Schema: intake; Owner: -

CREATE INDEX pushed_steps_client ON intake.pushed_steps USING btree (client_id);

-- Name: pushed_steps_code; Type: INDEX; Schema: intake; Owner: -

CREATE INDEX pushed_steps_code ON intake.pushed_steps USING btree (source, dossier_code, digest);

-- Name: pushed_steps_dossier; Type: INDEX; Schema: intake; Owner: -

CREATE INDEX pushed_steps_dossier ON intake.pushed_steps USING btree (source, agency_code, dossier_code, transition_id);

-- Name: pushed_steps_of_agency; Type: INDEX; Schema: intake; Owner: -

CREATE INDEX pushed_steps_of_agency ON intake.pushed_steps USING btree (agency_code, dossier_code);

-- Name: pushed_steps_recorded; Type: INDEX; Schema: intake; Owner: -

CREATE INDEX pushed_steps_recorded ON intake.pushed_steps USING btree (source, recorded_at);

-- Name: recent_states_arrived; Type: INDEX; Schema: intake; Owner: -

CREATE INDEX recent_states_arrived ON intake.recent_states USING btree (source, arrived_at);

-- Name: sessions_client; Type: INDEX; Schema: intake; Owner: -

CREATE INDEX sessions_client ON intake.sessions USING btree (client_id, expires_at);

-- Name: agency_changes_agency; Type: INDEX; Schema: motcua; Owner: -

CREATE INDEX agency_changes_agency ON motcua.agency_changes USING btree (agency_code, change_id);

-- Name: airflow_cleanings_of_runs; Type: INDEX; Schema: motcua; Owner: -

CREATE INDEX airflow_cleanings_of_runs ON motcua.airflow_cleanings USING btree (cleaning_id) WHERE ((of_what = 'dag_run'::text) AND (failed IS NULL));

-- Name: airflow_cleanings_run; Type: INDEX; Schema: motcua; Owner: -

CREATE INDEX airflow_cleanings_run ON motcua.airflow_cleanings USING btree (run_no) WHERE (run_no IS NOT NULL);

-- Name: alerts_open; Type: INDEX; Schema: motcua; Owner: -

CREATE UNIQUE INDEX alerts_open ON motcua.alerts USING btree (name, subject) WHERE (over_at IS NULL);

-- Name: alerts_over; Type: INDEX; Schema: motcua; Owner: -

CREATE INDEX alerts_over ON motcua.alerts USING btree (over_at) WHERE (over_at IS NOT NULL);

-- Name: apology_evenings_due; Type: INDEX; Schema: motcua; Owner: -

CREATE INDEX apology_evenings_due ON motcua.apology_evenings USING btree (agency_code, last_due);

-- Name: apology_evenings_moment; Type: INDEX; Schema: motcua; Owner: -

CREATE INDEX apology_evenings_moment ON motcua.apology_evenings USING btree (evening_at);

-- Name: apology_evenings_run; Type: INDEX; Schema: motcua; Owner: -

CREATE INDEX apology_evenings_run ON motcua.apology_evenings USING btree (run_no) WHERE (run_no IS NOT NULL);

-- Name: attempts_carrier_refused; Type: INDEX; Schema: motcua; Owner: -

CREATE INDEX attempts_carrier_refused ON motcua.attempts USING btree (gateway, answered_at) WHERE (concerns = 'carrier'::text);

-- Name: attempts_in_flight; Type: INDEX; Schema: motcua; Owner: -

CREATE INDEX attempts_in_flight ON motcua.attempts USING btree (sender_id) WHERE (state = 'in_flight'::text);

-- Name: attempts_message; Type: INDEX; Schema: motcua; Owner: -

CREATE INDEX attempts_message ON motcua.attempts USING btree (message_id, attempt_id);

-- Name: attempts_one_open; Type: INDEX; Schema: motcua; Owner: -

CREATE UNIQUE INDEX attempts_one_open ON motcua.attempts USING btree (message_id) WHERE ((state = ANY (ARRAY['in_flight'::text, 'unknown'::text, 'accepted'::text, 'delivered'::text])) AND (NOT released));

-- Name: attempts_run; Type: INDEX; Schema: motcua; Owner: -

CREATE INDEX attempts_run ON motcua.attempts USING btree (run_id);

-- Name: attempts_unsettled; Type: INDEX; Schema: motcua; Owner: -

CREATE INDEX attempts_unsettled ON motcua.attempts USING btree (gateway, settle_at) WHERE (state = ANY (ARRAY['unknown'::text, 'accepted'::text]));

-- Name: believed_sleeps_in_force; Type: INDEX; Schema: motcua; Owner: -

CREATE UNIQUE INDEX believed_sleeps_in_force ON motcua.believed_sleeps USING btree (((withdrawn_at IS NULL))) WHERE (withdrawn_at IS NULL);

-- Name: calendar_changes_year; Type: INDEX; Schema: motcua; Owner: -

CREATE INDEX calendar_changes_year ON motcua.calendar_changes USING btree (year);

-- Name: calendar_days_agency; Type: INDEX; Schema: motcua; Owner: -

CREATE INDEX calendar_days_agency ON motcua.calendar_days USING btree (agency_code, day) WHERE (agency_code IS NOT NULL);

-- Name: carrier_statements_first; Type: INDEX; Schema: motcua; Owner: -

CREATE UNIQUE INDEX carrier_statements_first ON motcua.carrier_statements USING btree (form, month) WHERE (supersedes IS NULL);

-- Name: closing_differences_closing; Type: INDEX; Schema: motcua; Owner: -

CREATE INDEX closing_differences_closing ON motcua.closing_differences USING btree (closing_no, side, reason);

-- Name: closing_messages_unbalanced; Type: INDEX; Schema: motcua; Owner: -

CREATE INDEX closing_messages_unbalanced ON motcua.closing_messages USING btree (closing_no) WHERE (difference <> 0);

-- Name: closing_orphans_closing; Type: INDEX; Schema: motcua; Owner: -

CREATE INDEX closing_orphans_closing ON motcua.closing_orphans USING btree (closing_no, sort);

-- Name: closing_pushed_agency; Type: INDEX; Schema: motcua; Owner: -

CREATE INDEX closing_pushed_agency ON motcua.closing_pushed USING btree (agency_code);

-- Name: closings_first; Type: INDEX; Schema: motcua; Owner: -

CREATE UNIQUE INDEX closings_first ON motcua.closings USING btree (period) WHERE (corrects IS NULL);

-- Name: closings_of_length; Type: INDEX; Schema: motcua; Owner: -

CREATE INDEX closings_of_length ON motcua.closings USING btree (period_length, period);

-- Name: closings_period; Type: INDEX; Schema: motcua; Owner: -

CREATE INDEX closings_period ON motcua.closings USING btree (period, closing_no);

-- Name: complaint_changes_complaint; Type: INDEX; Schema: motcua; Owner: -

CREATE INDEX complaint_changes_complaint ON motcua.complaint_changes USING btree (complaint_id, change_id);

-- Name: complaints_alike; Type: INDEX; Schema: motcua; Owner: -

CREATE INDEX complaints_alike ON motcua.complaints USING btree (agency_code, motcua.code_key(dossier_code), claim, alike_no, (((received_at AT TIME ZONE '07:00:00'::interval))::date)) WHERE ((dossier_code IS NOT NULL) AND (withdrawn_at IS NULL));

-- Name: complaints_dossier; Type: INDEX; Schema: motcua; Owner: -

CREATE INDEX complaints_dossier ON motcua.complaints USING btree (dossier_id) WHERE (dossier_id IS NOT NULL);

-- Name: complaints_received; Type: INDEX; Schema: motcua; Owner: -

CREATE INDEX complaints_received ON motcua.complaints USING btree (received_at);

-- Name: complaints_unlinked; Type: INDEX; Schema: motcua; Owner: -

CREATE INDEX complaints_unlinked ON motcua.complaints USING btree (complaint_id) WHERE ((message_id IS NULL) AND (dossier_code IS NOT NULL) AND (withdrawn_at IS NULL));

-- Name: dossier_versions_dossier; Type: INDEX; Schema: motcua; Owner: -

CREATE INDEX dossier_versions_dossier ON motcua.dossier_versions USING btree (dossier_id, version_id);

-- Name: dossier_versions_due; Type: INDEX; Schema: motcua; Owner: -

CREATE INDEX dossier_versions_due ON motcua.dossier_versions USING btree ((((due_at AT TIME ZONE 'Asia/Ho_Chi_Minh'::text))::date));

-- Name: dossiers_code_key; Type: INDEX; Schema: motcua; Owner: -

CREATE INDEX dossiers_code_key ON motcua.dossiers USING btree (motcua.code_key(dossier_code));

-- Name: dossiers_msisdn; Type: INDEX; Schema: motcua; Owner: -

CREATE INDEX dossiers_msisdn ON motcua.dossiers USING btree (msisdn) WHERE (msisdn IS NOT NULL);

-- Name: dossiers_of_agency; Type: INDEX; Schema: motcua; Owner: -

CREATE INDEX dossiers_of_agency ON motcua.dossiers USING btree (agency_code, source_id, dossier_id);

-- Name: dossiers_unpurged; Type: INDEX; Schema: motcua; Owner: -

CREATE INDEX dossiers_unpurged ON motcua.dossiers USING btree (dossier_id) WHERE (purged_at IS NULL);

-- Name: finding_acknowledgements_finding; Type: INDEX; Schema: motcua; Owner: -

CREATE INDEX finding_acknowledgements_finding ON motcua.finding_acknowledgements USING btree (finding_id, acknowledgement_id);

-- Name: finding_episodes_closed; Type: INDEX; Schema: motcua; Owner: -

CREATE INDEX finding_episodes_closed ON motcua.finding_episodes USING btree (closed_run) WHERE (closed_run IS NOT NULL);

-- Name: finding_episodes_open; Type: INDEX; Schema: motcua; Owner: -

CREATE UNIQUE INDEX finding_episodes_open ON motcua.finding_episodes USING btree (finding_id) WHERE (closed_run IS NULL);

-- Name: finding_episodes_opened; Type: INDEX; Schema: motcua; Owner: -

CREATE INDEX finding_episodes_opened ON motcua.finding_episodes USING btree (opened_run);

-- Name: finding_rechecks_finding; Type: INDEX; Schema: motcua; Owner: -

CREATE INDEX finding_rechecks_finding ON motcua.finding_rechecks USING btree (finding_id, recheck_id);

-- Name: findings_dossier; Type: INDEX; Schema: motcua; Owner: -

CREATE INDEX findings_dossier ON motcua.findings USING btree (dossier_id) WHERE (dossier_id IS NOT NULL);

-- Name: gaps_one_open; Type: INDEX; Schema: motcua; Owner: -

CREATE UNIQUE INDEX gaps_one_open ON motcua.gaps USING btree (((closed_at IS NULL))) WHERE (closed_at IS NULL);

-- Name: inquiries_gateway; Type: INDEX; Schema: motcua; Owner: -

CREATE INDEX inquiries_gateway ON motcua.inquiries USING btree (gateway, received_at);

-- Name: inquiries_phone; Type: INDEX; Schema: motcua; Owner: -

CREATE INDEX inquiries_phone ON motcua.inquiries USING btree (msisdn, received_at);

-- Name: inquiries_received; Type: INDEX; Schema: motcua; Owner: -

CREATE INDEX inquiries_received ON motcua.inquiries USING btree (received_at);

-- Name: inquiries_told_result; Type: INDEX; Schema: motcua; Owner: -

CREATE INDEX inquiries_told_result ON motcua.inquiries USING btree (dossier_id) WHERE told_result;

-- Name: inquiries_unpurged; Type: INDEX; Schema: motcua; Owner: -

CREATE INDEX inquiries_unpurged ON motcua.inquiries USING btree (inquiry_id) WHERE (purged_at IS NULL);

-- Name: inquiries_with_ids; Type: INDEX; Schema: motcua; Owner: -

CREATE INDEX inquiries_with_ids ON motcua.inquiries USING btree (inquiry_id) WHERE ((gateway_message_id !~ '^id-[a-p]{32}$'::text) OR (dedupe_key ~ '^[0-9a-f]{64}$'::text));

-- Name: lost_attempts_gap; Type: INDEX; Schema: motcua; Owner: -

CREATE INDEX lost_attempts_gap ON motcua.lost_attempts USING btree (gap_no);

-- Name: lost_attempts_message; Type: INDEX; Schema: motcua; Owner: -

CREATE INDEX lost_attempts_message ON motcua.lost_attempts USING btree (message_id);

-- Name: lost_attempts_open; Type: INDEX; Schema: motcua; Owner: -

CREATE INDEX lost_attempts_open ON motcua.lost_attempts USING btree (agency_code, dossier_code) WHERE (message_id IS NULL);

-- Name: message_history_message; Type: INDEX; Schema: motcua; Owner: -

CREATE INDEX message_history_message ON motcua.message_history USING btree (message_id, history_id);

-- Name: message_history_run; Type: INDEX; Schema: motcua; Owner: -

CREATE INDEX message_history_run ON motcua.message_history USING btree (run_no) WHERE (run_no IS NOT NULL);

-- Name: messages_due; Type: INDEX; Schema: motcua; Owner: -

CREATE INDEX messages_due ON motcua.messages USING btree (next_attempt_at, message_id) WHERE (state = 'queued'::text);

-- Name: messages_due_to_carrier; Type: INDEX; Schema: motcua; Owner: -

CREATE INDEX messages_due_to_carrier ON motcua.messages USING btree (COALESCE(carrier, ''::text), next_attempt_at, message_id) WHERE (state = 'queued'::text);

-- Name: messages_for_phone; Type: INDEX; Schema: motcua; Owner: -

CREATE INDEX messages_for_phone ON motcua.messages USING btree (useful_until) WHERE (state = ANY (ARRAY['suppressed'::text, 'undelivered'::text, 'rejected'::text]));

-- Name: messages_of_agency; Type: INDEX; Schema: motcua; Owner: -

CREATE INDEX messages_of_agency ON motcua.messages USING btree (agency_code, state, recorded_at) WHERE (state <> ALL (ARRAY['queued'::text, 'sending'::text]));

-- Name: messages_open; Type: INDEX; Schema: motcua; Owner: -

CREATE INDEX messages_open ON motcua.messages USING btree (state) WHERE (state = ANY (ARRAY['sending'::text, 'unknown'::text]));

-- Name: messages_recorded; Type: INDEX; Schema: motcua; Owner: -

CREATE INDEX messages_recorded ON motcua.messages USING btree (recorded_at);

-- Name: messages_transition; Type: INDEX; Schema: motcua; Owner: -

CREATE UNIQUE INDEX messages_transition ON motcua.messages USING btree (transition_id) WHERE (kind = ANY (ARRAY['result'::text, 'supplement'::text]));

-- Name: messages_unreported; Type: INDEX; Schema: motcua; Owner: -

CREATE INDEX messages_unreported ON motcua.messages USING btree (accepted_at) WHERE (state = 'accepted'::text);

-- Name: old_steps_dossier; Type: INDEX; Schema: motcua; Owner: -

CREATE INDEX old_steps_dossier ON motcua.old_steps USING btree (dossier_id);

-- Name: old_steps_to_judge; Type: INDEX; Schema: motcua; Owner: -

CREATE INDEX old_steps_to_judge ON motcua.old_steps USING btree (source_id, ask_at) WHERE (ask_at IS NOT NULL);

-- Name: page_requests_open; Type: INDEX; Schema: motcua; Owner: -

CREATE UNIQUE INDEX page_requests_open ON motcua.page_requests USING btree (kind, subject) WHERE (ended_at IS NULL);

-- Name: personal_data_purges_reference; Type: INDEX; Schema: motcua; Owner: -

CREATE INDEX personal_data_purges_reference ON motcua.personal_data_purges USING btree (reference);

-- Name: personal_data_purges_run; Type: INDEX; Schema: motcua; Owner: -

CREATE INDEX personal_data_purges_run ON motcua.personal_data_purges USING btree (run_no) WHERE (run_no IS NOT NULL);

-- Name: portal_figures_period; Type: INDEX; Schema: motcua; Owner: -

CREATE INDEX portal_figures_period ON motcua.portal_figures USING btree (period, agency_code, figure_no);

-- Name: publication_verifications_last; Type: INDEX; Schema: motcua; Owner: -

CREATE INDEX publication_verifications_last ON motcua.publication_verifications USING btree (publication_no, verification_no);

-- Name: publication_verifications_not_holding; Type: INDEX; Schema: motcua; Owner: -

CREATE INDEX publication_verifications_not_holding ON motcua.publication_verifications USING btree (publication_no, verification_no) WHERE (faults > 0);

-- Name: publication_verifications_run; Type: INDEX; Schema: motcua; Owner: -

CREATE INDEX publication_verifications_run ON motcua.publication_verifications USING btree (verified_by);

-- Name: quality_runs_chain; Type: INDEX; Schema: motcua; Owner: -

CREATE UNIQUE INDEX quality_runs_chain ON motcua.quality_runs USING btree (previous_seal);

-- Name: quality_runs_day; Type: INDEX; Schema: motcua; Owner: -

CREATE INDEX quality_runs_day ON motcua.quality_runs USING btree (day, run_no);

-- Name: quarantine_code_key; Type: INDEX; Schema: motcua; Owner: -

CREATE INDEX quarantine_code_key ON motcua.quarantine USING btree (motcua.code_key(dossier_code)) WHERE (dossier_code IS NOT NULL);

-- Name: quarantine_open; Type: INDEX; Schema: motcua; Owner: -

CREATE INDEX quarantine_open ON motcua.quarantine USING btree (source_id, reason) WHERE (released_at IS NULL);

-- Name: quarantine_run; Type: INDEX; Schema: motcua; Owner: -

CREATE INDEX quarantine_run ON motcua.quarantine USING btree (run_no) WHERE (run_no IS NOT NULL);

-- Name: receipt_readings_attempt; Type: INDEX; Schema: motcua; Owner: -

CREATE INDEX receipt_readings_attempt ON motcua.receipt_readings USING btree (attempt_id);

-- Name: receipts_reference; Type: INDEX; Schema: motcua; Owner: -

CREATE INDEX receipts_reference ON motcua.receipts USING btree (reference);

-- Name: receipts_unpurged; Type: INDEX; Schema: motcua; Owner: -

CREATE INDEX receipts_unpurged ON motcua.receipts USING btree (receipt_id) WHERE (purged_at IS NULL);

-- Name: refused_statements_file; Type: INDEX; Schema: motcua; Owner: -

CREATE INDEX refused_statements_file ON motcua.refused_statements USING btree (form, file_name, refusal_no);

-- Name: releases_message; Type: INDEX; Schema: motcua; Owner: -

CREATE INDEX releases_message ON motcua.releases USING btree (message_id);

-- Name: statement_matches_inquiry; Type: INDEX; Schema: motcua; Owner: -

CREATE UNIQUE INDEX statement_matches_inquiry ON motcua.statement_matches USING btree (inquiry_id, statement_no) WHERE (inquiry_id IS NOT NULL);

-- Name: statement_matches_shown; Type: INDEX; Schema: motcua; Owner: -

CREATE INDEX statement_matches_shown ON motcua.statement_matches USING btree (statement_no, verdict, ((line_no IS NULL)), direction DESC, line_no, match_id);

-- Name: statement_matches_verdict; Type: INDEX; Schema: motcua; Owner: -

CREATE INDEX statement_matches_verdict ON motcua.statement_matches USING btree (statement_no, verdict) WHERE (verdict <> 'exact'::text);

-- Name: statement_uploads_of_file; Type: INDEX; Schema: motcua; Owner: -

CREATE INDEX statement_uploads_of_file ON motcua.statement_uploads USING btree (sha256, form);

-- Name: stops_until; Type: INDEX; Schema: motcua; Owner: -

CREATE INDEX stops_until ON motcua.stops USING btree (until);

-- Name: transitions_calling; Type: INDEX; Schema: motcua; Owner: -

CREATE INDEX transitions_calling ON motcua.transitions USING btree (recorded_at) WHERE (at_one_stop_desk AND (status_code = ANY (ARRAY[5, 9])));

-- Name: transitions_dossier; Type: INDEX; Schema: motcua; Owner: -

CREATE INDEX transitions_dossier ON motcua.transitions USING btree (dossier_id, sequence, from_row, transition_id);

-- Name: transitions_from_row; Type: INDEX; Schema: motcua; Owner: -

CREATE UNIQUE INDEX transitions_from_row ON motcua.transitions USING btree (dossier_id, recorded_at) WHERE from_row;

-- Name: transitions_recorded; Type: INDEX; Schema: motcua; Owner: -

CREATE INDEX transitions_recorded ON motcua.transitions USING btree (source_id, recorded_at);

-- Name: transitions_unplanned; Type: INDEX; Schema: motcua; Owner: -

CREATE INDEX transitions_unplanned ON motcua.transitions USING btree (dossier_id) WHERE (planned_at IS NULL);

-- Name: messages_cells; Type: STATISTICS; Schema: motcua; Owner: -

CREATE STATISTICS motcua.messages_cells (ndistinct) ON kind, agency_code, procedure_code, state, reason, (CASE WHEN state = 'delivered'::text THEN GREATEST(floor(date_part('epoch'::text, changed_at - recorded_at)), 0::double precision)::integer ELSE NULL::integer END) FROM motcua.messages;

-- Name: pushed_dossiers keep_personal_data; Type: TRIGGER; Schema: intake; Owner: -

CREATE TRIGGER keep_personal_data BEFORE UPDATE ON intake.pushed_dossiers FOR EACH ROW WHEN (((new.purged_at IS NOT NULL) AND (old.purged_at IS DISTINCT FROM new.purged_at))) EXECUTE FUNCTION motcua.may_only_be_emptied('fields');

-- Name: pushed_steps keep_personal_data; Type: TRIGGER; Schema: intake; Owner: -

CREATE TRIGGER keep_personal_data BEFORE UPDATE ON intake.pushed_steps FOR EACH ROW WHEN (((new.purged_at IS NOT NULL) AND (old.purged_at IS DISTINCT FROM new.purged_at))) EXECUTE FUNCTION motcua.may_only_be_emptied('fields');

-- Name: client_changes refuse_change; Type: TRIGGER; Schema: intake; Owner: -

CREATE TRIGGER refuse_change BEFORE DELETE OR UPDATE ON intake.client_changes FOR EACH ROW EXECUTE FUNCTION motcua.refuse_change();

-- Name: export_forms refuse_change; Type: TRIGGER; Schema: intake; Owner: -

CREATE TRIGGER refuse_change BEFORE DELETE OR UPDATE ON intake.export_forms FOR EACH ROW EXECUTE FUNCTION motcua.refuse_change();

-- Name: messages enforce_message_move; Type: TRIGGER; Schema: motcua; Owner: -

CREATE TRIGGER enforce_message_move BEFORE INSERT OR UPDATE ON motcua.messages FOR EACH ROW EXECUTE FUNCTION motcua.enforce_message_move();

-- Name: agencies keep_agency_change; Type: TRIGGER; Schema: motcua; Owner: -

CREATE TRIGGER keep_agency_change AFTER INSERT OR UPDATE ON motcua.agencies FOR EACH ROW EXECUTE FUNCTION motcua.keep_agency_change();

-- Name: agency_aliases keep_agency_change; Type: TRIGGER; Schema: motcua; Owner: -

CREATE TRIGGER keep_agency_change AFTER INSERT OR DELETE OR UPDATE ON motcua.agency_aliases FOR EACH ROW EXECUTE FUNCTION motcua.keep_change_of_agency_part();

-- Name: agency_names keep_agency_change; Type: TRIGGER; Schema: motcua; Owner: -

CREATE TRIGGER keep_agency_change AFTER INSERT OR DELETE OR UPDATE ON motcua.agency_names FOR EACH ROW EXECUTE FUNCTION motcua.keep_change_of_agency_part();

-- Name: alerts keep_alert; Type: TRIGGER; Schema: motcua; Owner: -

CREATE TRIGGER keep_alert BEFORE UPDATE ON motcua.alerts FOR EACH ROW EXECUTE FUNCTION motcua.keep_alert();

-- Name: calendar_days keep_calendar_change; Type: TRIGGER; Schema: motcua; Owner: -

CREATE TRIGGER keep_calendar_change AFTER INSERT OR DELETE OR UPDATE ON motcua.calendar_days FOR EACH ROW EXECUTE FUNCTION motcua.keep_calendar_change('day');

-- Name: calendar_years keep_calendar_change; Type: TRIGGER; Schema: motcua; Owner: -

CREATE TRIGGER keep_calendar_change AFTER INSERT OR DELETE OR UPDATE ON motcua.calendar_years FOR EACH ROW EXECUTE FUNCTION motcua.keep_calendar_change('year');

-- Name: office_hours keep_calendar_change; Type: TRIGGER; Schema: motcua; Owner: -

CREATE TRIGGER keep_calendar_change AFTER INSERT OR DELETE OR UPDATE ON motcua.office_hours FOR EACH ROW EXECUTE FUNCTION motcua.keep_calendar_change('hours');

-- Name: complaints keep_complaint; Type: TRIGGER; Schema: motcua; Owner: -

CREATE TRIGGER keep_complaint BEFORE DELETE OR UPDATE ON motcua.complaints FOR EACH ROW EXECUTE FUNCTION motcua.keep_complaint();

-- Name: complaints keep_complaint_change; Type: TRIGGER; Schema: motcua; Owner: -

CREATE TRIGGER keep_complaint_change AFTER INSERT OR UPDATE ON motcua.complaints FOR EACH ROW EXECUTE FUNCTION motcua.keep_complaint_change();

-- Name: finding_episodes keep_episodes; Type: TRIGGER; Schema: motcua; Owner: -

CREATE TRIGGER keep_episodes AFTER UPDATE ON motcua.finding_episodes REFERENCING OLD TABLE AS was NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION motcua.keep_episodes();

-- Name: findings keep_finding; Type: TRIGGER; Schema: motcua; Owner: -

CREATE TRIGGER keep_finding BEFORE UPDATE ON motcua.findings FOR EACH ROW WHEN (((((((old.finding_id IS DISTINCT FROM new.finding_id) OR (old.rule IS DISTINCT FROM new.rule)) OR (old.subject IS DISTINCT FROM new.subject)) OR (old.level IS DISTINCT FROM new.level)) OR (old.dossier_id IS DISTINCT FROM new.dossier_id)) OR (old.first_run IS DISTINCT FROM new.first_run))) EXECUTE FUNCTION motcua.keep_finding();

-- Name: inquiries keep_inquiry; Type: TRIGGER; Schema: motcua; Owner: -

CREATE TRIGGER keep_inquiry BEFORE DELETE OR UPDATE ON motcua.inquiries FOR EACH ROW EXECUTE FUNCTION motcua.may_only_be_emptied('msisdn', 'text', 'asked_code', 'gateway_message_id', 'dedupe_key');

-- Name: old_steps keep_judgement; Type: TRIGGER; Schema: motcua; Owner: -

CREATE TRIGGER keep_judgement BEFORE UPDATE ON motcua.old_steps FOR EACH ROW EXECUTE FUNCTION motcua.keep_judgement();

-- Name: messages keep_message_history; Type: TRIGGER; Schema: motcua; Owner: -

CREATE TRIGGER keep_message_history AFTER INSERT OR UPDATE ON motcua.messages FOR EACH ROW EXECUTE FUNCTION motcua.keep_message_history();

-- Name: page_requests keep_page_request; Type: TRIGGER; Schema: motcua; Owner: -

CREATE TRIGGER keep_page_request BEFORE DELETE OR UPDATE ON motcua.page_requests FOR EACH ROW EXECUTE FUNCTION motcua.keep_page_request();

-- Name: attempts keep_personal_data; Type: TRIGGER; Schema: motcua; Owner: -

CREATE TRIGGER keep_personal_data BEFORE UPDATE ON motcua.attempts FOR EACH ROW WHEN (((old.msisdn IS DISTINCT FROM new.msisdn) OR (old.purged_at IS DISTINCT FROM new.purged_at))) EXECUTE FUNCTION motcua.may_only_be_emptied('msisdn', 'gateway_reference');

-- Name: complaints keep_personal_data; Type: TRIGGER; Schema: motcua; Owner: -

CREATE TRIGGER keep_personal_data BEFORE UPDATE ON motcua.complaints FOR EACH ROW WHEN ((old.purged_at IS DISTINCT FROM new.purged_at)) EXECUTE FUNCTION motcua.may_only_be_emptied('note', 'outcome_reason', 'withdraw_reason', 'dossier_code');

-- Name: dossiers keep_personal_data; Type: TRIGGER; Schema: motcua; Owner: -

CREATE TRIGGER keep_personal_data BEFORE UPDATE ON motcua.dossiers FOR EACH ROW WHEN ((((new.purged_at IS NOT NULL) AND (old.purged_at IS DISTINCT FROM new.purged_at)) OR ((num_nonnulls(NULLIF(old.applicant_name, ''::text), NULLIF(old.applicant_phone, ''::text), old.msisdn) > num_nonnulls(NULLIF(new.applicant_name, ''::text), NULLIF(new.applicant_phone, ''::text), new.msisdn)) AND (NOT (((old.picked_up_at IS DISTINCT FROM new.picked_up_at) OR (old.updated_at IS DISTINCT FROM new.updated_at)) OR (old.phone_refusal IS DISTINCT FROM new.phone_refusal)))))) EXECUTE FUNCTION motcua.may_only_be_emptied('applicant_name', 'applicant_phone', 'msisdn');

-- Name: messages keep_personal_data; Type: TRIGGER; Schema: motcua; Owner: -

CREATE TRIGGER keep_personal_data BEFORE UPDATE ON motcua.messages FOR EACH ROW WHEN ((old.purged_at IS DISTINCT FROM new.purged_at)) EXECUTE FUNCTION motcua.may_only_be_emptied('msisdn', 'text', 'parameters');

-- Name: quarantine keep_personal_data; Type: TRIGGER; Schema: motcua; Owner: -

CREATE TRIGGER keep_personal_data BEFORE UPDATE ON motcua.quarantine FOR EACH ROW WHEN (((new.purged_at IS NOT NULL) AND (old.purged_at IS DISTINCT FROM new.purged_at))) EXECUTE FUNCTION motcua.may_only_be_emptied('payload', 'dossier_code');

-- Name: transitions keep_personal_data; Type: TRIGGER; Schema: motcua; Owner: -

CREATE TRIGGER keep_personal_data BEFORE UPDATE ON motcua.transitions FOR EACH ROW WHEN (((old.note IS DISTINCT FROM new.note) OR (old.actor IS DISTINCT FROM new.actor))) EXECUTE FUNCTION motcua.may_only_be_emptied('note', 'actor');

-- Name: publications keep_publication_chain; Type: TRIGGER; Schema: motcua; Owner: -

CREATE TRIGGER keep_publication_chain BEFORE INSERT ON motcua.publications FOR EACH ROW EXECUTE FUNCTION motcua.keep_publication_chain();

-- Name: quality_runs keep_quality_run; Type: TRIGGER; Schema: motcua; Owner: -

CREATE TRIGGER keep_quality_run BEFORE DELETE OR UPDATE ON motcua.quality_runs FOR EACH ROW EXECUTE FUNCTION motcua.keep_quality_run();

-- Name: refused_statements keep_refused_statement; Type: TRIGGER; Schema: motcua; Owner: -

CREATE TRIGGER keep_refused_statement BEFORE DELETE OR UPDATE ON motcua.refused_statements FOR EACH ROW EXECUTE FUNCTION motcua.keep_refused_statement();

-- Name: report_mails keep_report_mail; Type: TRIGGER; Schema: motcua; Owner: -

CREATE TRIGGER keep_report_mail BEFORE UPDATE ON motcua.report_mails FOR EACH ROW EXECUTE FUNCTION motcua.keep_report_mail();

-- Name: stops keep_stop; Type: TRIGGER; Schema: motcua; Owner: -

CREATE TRIGGER keep_stop BEFORE DELETE OR UPDATE ON motcua.stops FOR EACH ROW EXECUTE FUNCTION motcua.keep_stop();

-- Name: dossiers note_phone_change; Type: TRIGGER; Schema: motcua; Owner: -

CREATE TRIGGER note_phone_change AFTER UPDATE ON motcua.dossiers FOR EACH ROW WHEN ((((old.msisdn IS DISTINCT FROM new.msisdn) OR (old.phone_refusal IS DISTINCT FROM new.phone_refusal)) AND (new.purged_at IS NULL))) EXECUTE FUNCTION motcua.note_phone_change();

-- Name: messages note_phone_change; Type: TRIGGER; Schema: motcua; Owner: -

CREATE TRIGGER note_phone_change AFTER UPDATE ON motcua.messages FOR EACH ROW WHEN (((new.state = ANY (ARRAY['suppressed'::text, 'undelivered'::text, 'rejected'::text])) AND (new.state <> old.state) AND (new.dossier_id IS NOT NULL))) EXECUTE FUNCTION motcua.note_phone_change();

-- Name: receipt_readings note_read_receipts; Type: TRIGGER; Schema: motcua; Owner: -

CREATE TRIGGER note_read_receipts AFTER INSERT ON motcua.receipt_readings REFERENCING NEW TABLE AS written FOR EACH STATEMENT EXECUTE FUNCTION motcua.note_read_receipts();

-- Name: receipts note_unread_receipts; Type: TRIGGER; Schema: motcua; Owner: -

CREATE TRIGGER note_unread_receipts AFTER INSERT ON motcua.receipts REFERENCING NEW TABLE AS written FOR EACH STATEMENT EXECUTE FUNCTION motcua.note_unread_receipts();

-- Name: agencies number_recipients_list; Type: TRIGGER; Schema: motcua; Owner: -

CREATE TRIGGER number_recipients_list BEFORE INSERT OR UPDATE ON motcua.agencies FOR EACH ROW EXECUTE FUNCTION motcua.number_recipients_list();

-- Name: agency_changes refuse_change; Type: TRIGGER; Schema: motcua; Owner: -

CREATE TRIGGER refuse_change BEFORE DELETE OR UPDATE ON motcua.agency_changes FOR EACH ROW EXECUTE FUNCTION motcua.refuse_change();

-- Name: airflow_cleanings refuse_change; Type: TRIGGER; Schema: motcua; Owner: -

CREATE TRIGGER refuse_change BEFORE DELETE OR UPDATE ON motcua.airflow_cleanings FOR EACH ROW EXECUTE FUNCTION motcua.refuse_change();

-- Name: apology_evenings refuse_change; Type: TRIGGER; Schema: motcua; Owner: -

CREATE TRIGGER refuse_change BEFORE DELETE OR UPDATE ON motcua.apology_evenings FOR EACH ROW EXECUTE FUNCTION motcua.refuse_change();

-- Name: calendar_changes refuse_change; Type: TRIGGER; Schema: motcua; Owner: -

CREATE TRIGGER refuse_change BEFORE DELETE OR UPDATE ON motcua.calendar_changes FOR EACH ROW EXECUTE FUNCTION motcua.refuse_change();

-- Name: carrier_statements refuse_change; Type: TRIGGER; Schema: motcua; Owner: -

CREATE TRIGGER refuse_change BEFORE DELETE OR UPDATE ON motcua.carrier_statements FOR EACH ROW EXECUTE FUNCTION motcua.refuse_change();

-- Name: closing_agencies refuse_change; Type: TRIGGER; Schema: motcua; Owner: -

CREATE TRIGGER refuse_change BEFORE DELETE OR UPDATE ON motcua.closing_agencies FOR EACH ROW EXECUTE FUNCTION motcua.refuse_change();

-- Name: closing_changes refuse_change; Type: TRIGGER; Schema: motcua; Owner: -

CREATE TRIGGER refuse_change BEFORE DELETE OR UPDATE ON motcua.closing_changes FOR EACH ROW EXECUTE FUNCTION motcua.refuse_change();

-- Name: closing_differences refuse_change; Type: TRIGGER; Schema: motcua; Owner: -

CREATE TRIGGER refuse_change BEFORE DELETE OR UPDATE ON motcua.closing_differences FOR EACH ROW EXECUTE FUNCTION motcua.refuse_change();

-- Name: closing_dossier_sums refuse_change; Type: TRIGGER; Schema: motcua; Owner: -

CREATE TRIGGER refuse_change BEFORE DELETE OR UPDATE ON motcua.closing_dossier_sums FOR EACH ROW EXECUTE FUNCTION motcua.refuse_change();

-- Name: closing_dossiers refuse_change; Type: TRIGGER; Schema: motcua; Owner: -

CREATE TRIGGER refuse_change BEFORE DELETE OR UPDATE ON motcua.closing_dossiers FOR EACH ROW EXECUTE FUNCTION motcua.refuse_change();

-- Name: closing_message_sums refuse_change; Type: TRIGGER; Schema: motcua; Owner: -

CREATE TRIGGER refuse_change BEFORE DELETE OR UPDATE ON motcua.closing_message_sums FOR EACH ROW EXECUTE FUNCTION motcua.refuse_change();

-- Name: closing_messages refuse_change; Type: TRIGGER; Schema: motcua; Owner: -

CREATE TRIGGER refuse_change BEFORE DELETE OR UPDATE ON motcua.closing_messages FOR EACH ROW EXECUTE FUNCTION motcua.refuse_change();

-- Name: closing_orphans refuse_change; Type: TRIGGER; Schema: motcua; Owner: -

CREATE TRIGGER refuse_change BEFORE DELETE OR UPDATE ON motcua.closing_orphans FOR EACH ROW EXECUTE FUNCTION motcua.refuse_change();

-- Name: closing_pushed refuse_change; Type: TRIGGER; Schema: motcua; Owner: -

CREATE TRIGGER refuse_change BEFORE DELETE OR UPDATE ON motcua.closing_pushed FOR EACH ROW EXECUTE FUNCTION motcua.refuse_change();

-- Name: closing_reason_sums refuse_change; Type: TRIGGER; Schema: motcua; Owner: -

CREATE TRIGGER refuse_change BEFORE DELETE OR UPDATE ON motcua.closing_reason_sums FOR EACH ROW EXECUTE FUNCTION motcua.refuse_change();

-- Name: closing_reasons refuse_change; Type: TRIGGER; Schema: motcua; Owner: -

CREATE TRIGGER refuse_change BEFORE DELETE OR UPDATE ON motcua.closing_reasons FOR EACH ROW EXECUTE FUNCTION motcua.refuse_change();

-- Name: closing_stops refuse_change; Type: TRIGGER; Schema: motcua; Owner: -

CREATE TRIGGER refuse_change BEFORE DELETE OR UPDATE ON motcua.closing_stops FOR EACH ROW EXECUTE FUNCTION motcua.refuse_change();

-- Name: closing_timings refuse_change; Type: TRIGGER; Schema: motcua; Owner: -

CREATE TRIGGER refuse_change BEFORE DELETE OR UPDATE ON motcua.closing_timings FOR EACH ROW EXECUTE FUNCTION motcua.refuse_change();

-- Name: closings refuse_change; Type: TRIGGER; Schema: motcua; Owner: -

CREATE TRIGGER refuse_change BEFORE DELETE OR UPDATE ON motcua.closings FOR EACH ROW EXECUTE FUNCTION motcua.refuse_change();

-- Name: complaint_changes refuse_change; Type: TRIGGER; Schema: motcua; Owner: -

CREATE TRIGGER refuse_change BEFORE DELETE OR UPDATE ON motcua.complaint_changes FOR EACH ROW EXECUTE FUNCTION motcua.refuse_change();

-- Name: dossier_versions refuse_change; Type: TRIGGER; Schema: motcua; Owner: -

CREATE TRIGGER refuse_change BEFORE DELETE OR UPDATE ON motcua.dossier_versions FOR EACH ROW EXECUTE FUNCTION motcua.may_only_be_emptied('applicant_phone');

-- Name: finding_acknowledgements refuse_change; Type: TRIGGER; Schema: motcua; Owner: -

CREATE TRIGGER refuse_change BEFORE DELETE OR UPDATE ON motcua.finding_acknowledgements FOR EACH ROW EXECUTE FUNCTION motcua.refuse_change();

-- Name: finding_episodes refuse_change; Type: TRIGGER; Schema: motcua; Owner: -

CREATE TRIGGER refuse_change BEFORE DELETE ON motcua.finding_episodes FOR EACH ROW EXECUTE FUNCTION motcua.refuse_change();

-- Name: finding_rechecks refuse_change; Type: TRIGGER; Schema: motcua; Owner: -

CREATE TRIGGER refuse_change BEFORE DELETE OR UPDATE ON motcua.finding_rechecks FOR EACH ROW EXECUTE FUNCTION motcua.refuse_change();

-- Name: findings refuse_change; Type: TRIGGER; Schema: motcua; Owner: -

CREATE TRIGGER refuse_change BEFORE DELETE ON motcua.findings FOR EACH ROW EXECUTE FUNCTION motcua.refuse_change();

-- Name: gateway_changes refuse_change; Type: TRIGGER; Schema: motcua; Owner: -

CREATE TRIGGER refuse_change BEFORE DELETE OR UPDATE ON motcua.gateway_changes FOR EACH ROW EXECUTE FUNCTION motcua.refuse_change();

-- Name: journals refuse_change; Type: TRIGGER; Schema: motcua; Owner: -

CREATE TRIGGER refuse_change BEFORE DELETE OR UPDATE ON motcua.journals FOR EACH ROW EXECUTE FUNCTION motcua.refuse_change();

-- Name: message_history refuse_change; Type: TRIGGER; Schema: motcua; Owner: -

CREATE TRIGGER refuse_change BEFORE DELETE OR UPDATE ON motcua.message_history FOR EACH ROW EXECUTE FUNCTION motcua.refuse_change();

-- Name: old_steps refuse_change; Type: TRIGGER; Schema: motcua; Owner: -

CREATE TRIGGER refuse_change BEFORE DELETE ON motcua.old_steps FOR EACH ROW EXECUTE FUNCTION motcua.refuse_change();

-- Name: personal_data_purges refuse_change; Type: TRIGGER; Schema: motcua; Owner: -

CREATE TRIGGER refuse_change BEFORE DELETE OR UPDATE ON motcua.personal_data_purges FOR EACH ROW EXECUTE FUNCTION motcua.refuse_change();

-- Name: personal_data_requests refuse_change; Type: TRIGGER; Schema: motcua; Owner: -

CREATE TRIGGER refuse_change BEFORE DELETE OR UPDATE ON motcua.personal_data_requests FOR EACH ROW EXECUTE FUNCTION motcua.refuse_change();

-- Name: phone_searches refuse_change; Type: TRIGGER; Schema: motcua; Owner: -

CREATE TRIGGER refuse_change BEFORE DELETE OR UPDATE ON motcua.phone_searches FOR EACH ROW EXECUTE FUNCTION motcua.refuse_change();

-- Name: portal_figures refuse_change; Type: TRIGGER; Schema: motcua; Owner: -

CREATE TRIGGER refuse_change BEFORE DELETE OR UPDATE ON motcua.portal_figures FOR EACH ROW EXECUTE FUNCTION motcua.refuse_change();

-- Name: publication_verifications refuse_change; Type: TRIGGER; Schema: motcua; Owner: -

CREATE TRIGGER refuse_change BEFORE DELETE OR UPDATE ON motcua.publication_verifications FOR EACH ROW EXECUTE FUNCTION motcua.refuse_change();

-- Name: publications refuse_change; Type: TRIGGER; Schema: motcua; Owner: -

CREATE TRIGGER refuse_change BEFORE DELETE OR UPDATE ON motcua.publications FOR EACH ROW EXECUTE FUNCTION motcua.refuse_change();

-- Name: quality_agencies refuse_change; Type: TRIGGER; Schema: motcua; Owner: -

CREATE TRIGGER refuse_change BEFORE DELETE OR UPDATE ON motcua.quality_agencies FOR EACH ROW EXECUTE FUNCTION motcua.refuse_change();

-- Name: quality_broken_agencies refuse_change; Type: TRIGGER; Schema: motcua; Owner: -

CREATE TRIGGER refuse_change BEFORE DELETE OR UPDATE ON motcua.quality_broken_agencies FOR EACH ROW EXECUTE FUNCTION motcua.refuse_change();

-- Name: quality_counts refuse_change; Type: TRIGGER; Schema: motcua; Owner: -

CREATE TRIGGER refuse_change BEFORE DELETE OR UPDATE ON motcua.quality_counts FOR EACH ROW EXECUTE FUNCTION motcua.refuse_change();

-- Name: quality_results refuse_change; Type: TRIGGER; Schema: motcua; Owner: -

CREATE TRIGGER refuse_change BEFORE DELETE OR UPDATE ON motcua.quality_results FOR EACH ROW EXECUTE FUNCTION motcua.refuse_change();

-- Name: quality_shares refuse_change; Type: TRIGGER; Schema: motcua; Owner: -

CREATE TRIGGER refuse_change BEFORE DELETE OR UPDATE ON motcua.quality_shares FOR EACH ROW EXECUTE FUNCTION motcua.refuse_change();

-- Name: quality_sources refuse_change; Type: TRIGGER; Schema: motcua; Owner: -

CREATE TRIGGER refuse_change BEFORE DELETE OR UPDATE ON motcua.quality_sources FOR EACH ROW EXECUTE FUNCTION motcua.refuse_change();

-- Name: quality_suggestions refuse_change; Type: TRIGGER; Schema: motcua; Owner: -

CREATE TRIGGER refuse_change BEFORE DELETE OR UPDATE ON motcua.quality_suggestions FOR EACH ROW EXECUTE FUNCTION motcua.refuse_change();

-- Name: quality_withheld refuse_change; Type: TRIGGER; Schema: motcua; Owner: -

CREATE TRIGGER refuse_change BEFORE DELETE OR UPDATE ON motcua.quality_withheld FOR EACH ROW EXECUTE FUNCTION motcua.refuse_change();

-- Name: receipt_readings refuse_change; Type: TRIGGER; Schema: motcua; Owner: -

CREATE TRIGGER refuse_change BEFORE DELETE OR UPDATE ON motcua.receipt_readings FOR EACH ROW EXECUTE FUNCTION motcua.refuse_change();

-- Name: receipts refuse_change; Type: TRIGGER; Schema: motcua; Owner: -

CREATE TRIGGER refuse_change BEFORE DELETE OR UPDATE ON motcua.receipts FOR EACH ROW EXECUTE FUNCTION motcua.may_only_be_emptied('raw');

-- Name: releases refuse_change; Type: TRIGGER; Schema: motcua; Owner: -

CREATE TRIGGER refuse_change BEFORE DELETE OR UPDATE ON motcua.releases FOR EACH ROW EXECUTE FUNCTION motcua.refuse_change();

-- Name: report_mails refuse_change; Type: TRIGGER; Schema: motcua; Owner: -

CREATE TRIGGER refuse_change BEFORE DELETE ON motcua.report_mails FOR EACH ROW EXECUTE FUNCTION motcua.refuse_change();

-- Name: statement_difference_sums refuse_change; Type: TRIGGER; Schema: motcua; Owner: -

CREATE TRIGGER refuse_change BEFORE DELETE OR UPDATE ON motcua.statement_difference_sums FOR EACH ROW EXECUTE FUNCTION motcua.refuse_change();

-- Name: statement_lines refuse_change; Type: TRIGGER; Schema: motcua; Owner: -

CREATE TRIGGER refuse_change BEFORE DELETE OR UPDATE ON motcua.statement_lines FOR EACH ROW EXECUTE FUNCTION motcua.refuse_change();

-- Name: statement_matches refuse_change; Type: TRIGGER; Schema: motcua; Owner: -

CREATE TRIGGER refuse_change BEFORE DELETE OR UPDATE ON motcua.statement_matches FOR EACH ROW EXECUTE FUNCTION motcua.refuse_change();

-- Name: statement_sums refuse_change; Type: TRIGGER; Schema: motcua; Owner: -

CREATE TRIGGER refuse_change BEFORE DELETE OR UPDATE ON motcua.statement_sums FOR EACH ROW EXECUTE FUNCTION motcua.refuse_change();

-- Name: statement_uploads refuse_change; Type: TRIGGER; Schema: motcua; Owner: -

CREATE TRIGGER refuse_change BEFORE DELETE OR UPDATE ON motcua.statement_uploads FOR EACH ROW EXECUTE FUNCTION motcua.refuse_change();

-- Name: status_map_changes refuse_change; Type: TRIGGER; Schema: motcua; Owner: -

CREATE TRIGGER refuse_change BEFORE DELETE OR UPDATE ON motcua.status_map_changes FOR EACH ROW EXECUTE FUNCTION motcua.refuse_change();

-- Name: template_registration_changes refuse_change; Type: TRIGGER; Schema: motcua; Owner: -

CREATE TRIGGER refuse_change BEFORE DELETE OR UPDATE ON motcua.template_registration_changes FOR EACH ROW EXECUTE FUNCTION motcua.refuse_change();

-- Name: user_agency_changes refuse_change; Type: TRIGGER; Schema: motcua; Owner: -

CREATE TRIGGER refuse_change BEFORE DELETE OR UPDATE ON motcua.user_agency_changes FOR EACH ROW EXECUTE FUNCTION motcua.refuse_change();

-- Name: finding_episodes refuse_late_rows; Type: TRIGGER; Schema: motcua; Owner: -

CREATE TRIGGER refuse_late_rows AFTER INSERT ON motcua.finding_episodes REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION motcua.refuse_late_episodes();

-- Name: quality_agencies refuse_late_rows; Type: TRIGGER; Schema: motcua; Owner: -

CREATE TRIGGER refuse_late_rows AFTER INSERT ON motcua.quality_agencies REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION motcua.refuse_late_rows('run_no');

-- Name: quality_broken_agencies refuse_late_rows; Type: TRIGGER; Schema: motcua; Owner: -

CREATE TRIGGER refuse_late_rows AFTER INSERT ON motcua.quality_broken_agencies REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION motcua.refuse_late_rows('run_no');

-- Name: quality_counts refuse_late_rows; Type: TRIGGER; Schema: motcua; Owner: -

CREATE TRIGGER refuse_late_rows AFTER INSERT ON motcua.quality_counts REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION motcua.refuse_late_rows('run_no');

-- Name: quality_results refuse_late_rows; Type: TRIGGER; Schema: motcua; Owner: -

CREATE TRIGGER refuse_late_rows AFTER INSERT ON motcua.quality_results REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION motcua.refuse_late_rows('run_no');

-- Name: quality_shares refuse_late_rows; Type: TRIGGER; Schema: motcua; Owner: -

CREATE TRIGGER refuse_late_rows AFTER INSERT ON motcua.quality_shares REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION motcua.refuse_late_rows('run_no');

-- Name: quality_sources refuse_late_rows; Type: TRIGGER; Schema: motcua; Owner: -

CREATE TRIGGER refuse_late_rows AFTER INSERT ON motcua.quality_sources REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION motcua.refuse_late_rows('run_no');

-- Name: quality_suggestions refuse_late_rows; Type: TRIGGER; Schema: motcua; Owner: -

CREATE TRIGGER refuse_late_rows AFTER INSERT ON motcua.quality_suggestions REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION motcua.refuse_late_rows('run_no');

-- Name: quality_withheld refuse_late_rows; Type: TRIGGER; Schema: motcua; Owner: -

CREATE TRIGGER refuse_late_rows AFTER INSERT ON motcua.quality_withheld REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION motcua.refuse_late_rows('run_no');

-- Name: client_agencies client_agencies_agency_code_fkey; Type: FK CONSTRAINT; Schema: intake; Owner: -

ALTER TABLE ONLY intake.client_agencies
    ADD CONSTRAINT client_agencies_agency_code_fkey FOREIGN KEY (agency_code) REFERENCES motcua.agencies(agency_code);

-- Name: client_agencies client_agencies_client_id_fkey; Type: FK CONSTRAINT; Schema: intake; Owner: -

ALTER TABLE ONLY intake.client_agencies
    ADD CONSTRAINT client_agencies_client_id_fkey FOREIGN KEY (client_id) REFERENCES intake.clients(client_id);

-- Name: client_changes client_changes_client_id_fkey; Type: FK CONSTRAINT; Schema: intake; Owner: -

ALTER TABLE ONLY intake.client_changes
    ADD CONSTRAINT client_changes_client_id_fkey FOREIGN KEY (client_id) REFERENCES intake.clients(client_id);

-- Name: client_days client_days_client_id_fkey; Type: FK CONSTRAINT; Schema: intake; Owner: -

ALTER TABLE ONLY intake.client_days
    ADD CONSTRAINT client_days_client_id_fkey FOREIGN KEY (client_id) REFERENCES intake.clients(client_id);

-- Name: client_hours client_hours_client_id_fkey; Type: FK CONSTRAINT; Schema: intake; Owner: -

ALTER TABLE ONLY intake.client_hours
    ADD CONSTRAINT client_hours_client_id_fkey FOREIGN KEY (client_id) REFERENCES intake.clients(client_id);

-- Name: export_forms export_forms_client_id_fkey; Type: FK CONSTRAINT; Schema: intake; Owner: -

ALTER TABLE ONLY intake.export_forms
    ADD CONSTRAINT export_forms_client_id_fkey FOREIGN KEY (client_id) REFERENCES intake.clients(client_id);

-- Name: exported_dossiers exported_dossiers_dossier_no_fkey; Type: FK CONSTRAINT; Schema: intake; Owner: -

ALTER TABLE ONLY intake.exported_dossiers
    ADD CONSTRAINT exported_dossiers_dossier_no_fkey FOREIGN KEY (dossier_no) REFERENCES intake.pushed_dossiers(dossier_no);

-- Name: exported_dossiers exported_dossiers_export_no_fkey; Type: FK CONSTRAINT; Schema: intake; Owner: -

ALTER TABLE ONLY intake.exported_dossiers
    ADD CONSTRAINT exported_dossiers_export_no_fkey FOREIGN KEY (export_no) REFERENCES intake.exports(export_no);

-- Name: exported_dossiers exported_dossiers_vanished_in_fkey; Type: FK CONSTRAINT; Schema: intake; Owner: -

ALTER TABLE ONLY intake.exported_dossiers
    ADD CONSTRAINT exported_dossiers_vanished_in_fkey FOREIGN KEY (vanished_in) REFERENCES intake.exports(export_no);

-- Name: exports exports_form_no_fkey; Type: FK CONSTRAINT; Schema: intake; Owner: -

ALTER TABLE ONLY intake.exports
    ADD CONSTRAINT exports_form_no_fkey FOREIGN KEY (form_no) REFERENCES intake.export_forms(form_no);

-- Name: faults faults_client_id_fkey; Type: FK CONSTRAINT; Schema: intake; Owner: -

ALTER TABLE ONLY intake.faults
    ADD CONSTRAINT faults_client_id_fkey FOREIGN KEY (client_id) REFERENCES intake.clients(client_id);

-- Name: pushed_dossiers pushed_dossiers_agency_code_fkey; Type: FK CONSTRAINT; Schema: intake; Owner: -

ALTER TABLE ONLY intake.pushed_dossiers
    ADD CONSTRAINT pushed_dossiers_agency_code_fkey FOREIGN KEY (agency_code) REFERENCES motcua.agencies(agency_code);

-- Name: pushed_dossiers pushed_dossiers_client_id_fkey; Type: FK CONSTRAINT; Schema: intake; Owner: -

ALTER TABLE ONLY intake.pushed_dossiers
    ADD CONSTRAINT pushed_dossiers_client_id_fkey FOREIGN KEY (client_id) REFERENCES intake.clients(client_id);

-- Name: pushed_steps pushed_steps_agency_code_fkey; Type: FK CONSTRAINT; Schema: intake; Owner: -

ALTER TABLE ONLY intake.pushed_steps
    ADD CONSTRAINT pushed_steps_agency_code_fkey FOREIGN KEY (agency_code) REFERENCES motcua.agencies(agency_code);

-- Name: pushed_steps pushed_steps_client_id_fkey; Type: FK CONSTRAINT; Schema: intake; Owner: -

ALTER TABLE ONLY intake.pushed_steps
    ADD CONSTRAINT pushed_steps_client_id_fkey FOREIGN KEY (client_id) REFERENCES intake.clients(client_id);

-- Name: sessions sessions_client_id_fkey; Type: FK CONSTRAINT; Schema: intake; Owner: -

ALTER TABLE ONLY intake.sessions
    ADD CONSTRAINT sessions_client_id_fkey FOREIGN KEY (client_id) REFERENCES intake.clients(client_id);

-- Name: wrong_addresses wrong_addresses_client_id_fkey; Type: FK CONSTRAINT; Schema: intake; Owner: -

ALTER TABLE ONLY intake.wrong_addresses
    ADD CONSTRAINT wrong_addresses_client_id_fkey FOREIGN KEY (client_id) REFERENCES intake.clients(client_id);

-- Name: agencies agencies_successor_code_fkey; Type: FK CONSTRAINT; Schema: motcua; Owner: -

ALTER TABLE ONLY motcua.agencies
    ADD CONSTRAINT agencies_successor_code_fkey FOREIGN KEY (successor_code) REFERENCES motcua.agencies(agency_code);

-- Name: agency_aliases agency_aliases_agency_code_fkey; Type: FK CONSTRAINT; Schema: motcua; Owner: -

ALTER TABLE ONLY motcua.agency_aliases
    ADD CONSTRAINT agency_aliases_agency_code_fkey FOREIGN KEY (agency_code) REFERENCES motcua.agencies(agency_code);

-- Name: agency_names agency_names_agency_code_fkey; Type: FK CONSTRAINT; Schema: motcua; Owner: -

ALTER TABLE ONLY motcua.agency_names
    ADD CONSTRAINT agency_names_agency_code_fkey FOREIGN KEY (agency_code) REFERENCES motcua.agencies(agency_code);

-- Name: apology_evenings apology_evenings_agency_code_fkey; Type: FK CONSTRAINT; Schema: motcua; Owner: -

ALTER TABLE ONLY motcua.apology_evenings
    ADD CONSTRAINT apology_evenings_agency_code_fkey FOREIGN KEY (agency_code) REFERENCES motcua.agencies(agency_code);

-- Name: attempts attempts_gateway_fkey; Type: FK CONSTRAINT; Schema: motcua; Owner: -

ALTER TABLE ONLY motcua.attempts
    ADD CONSTRAINT attempts_gateway_fkey FOREIGN KEY (gateway) REFERENCES motcua.gateways(name);

-- Name: attempts attempts_message_id_fkey; Type: FK CONSTRAINT; Schema: motcua; Owner: -

ALTER TABLE ONLY motcua.attempts
    ADD CONSTRAINT attempts_message_id_fkey FOREIGN KEY (message_id) REFERENCES motcua.messages(message_id);

-- Name: calendar_days calendar_days_agency_code_fkey; Type: FK CONSTRAINT; Schema: motcua; Owner: -

ALTER TABLE ONLY motcua.calendar_days
    ADD CONSTRAINT calendar_days_agency_code_fkey FOREIGN KEY (agency_code) REFERENCES motcua.agencies(agency_code);

-- Name: carrier_statements carrier_statements_supersedes_fkey; Type: FK CONSTRAINT; Schema: motcua; Owner: -

ALTER TABLE ONLY motcua.carrier_statements
    ADD CONSTRAINT carrier_statements_supersedes_fkey FOREIGN KEY (supersedes) REFERENCES motcua.carrier_statements(statement_no);

-- Name: closing_agencies closing_agencies_closing_no_fkey; Type: FK CONSTRAINT; Schema: motcua; Owner: -

ALTER TABLE ONLY motcua.closing_agencies
    ADD CONSTRAINT closing_agencies_closing_no_fkey FOREIGN KEY (closing_no) REFERENCES motcua.closings(closing_no);

-- Name: closing_changes closing_changes_closing_no_fkey; Type: FK CONSTRAINT; Schema: motcua; Owner: -

ALTER TABLE ONLY motcua.closing_changes
    ADD CONSTRAINT closing_changes_closing_no_fkey FOREIGN KEY (closing_no) REFERENCES motcua.closings(closing_no);

-- Name: closing_differences closing_differences_closing_no_fkey; Type: FK CONSTRAINT; Schema: motcua; Owner: -

ALTER TABLE ONLY motcua.closing_differences
    ADD CONSTRAINT closing_differences_closing_no_fkey FOREIGN KEY (closing_no) REFERENCES motcua.closings(closing_no);

-- Name: closing_differences closing_differences_source_id_fkey; Type: FK CONSTRAINT; Schema: motcua; Owner: -

ALTER TABLE ONLY motcua.closing_differences
    ADD CONSTRAINT closing_differences_source_id_fkey FOREIGN KEY (source_id) REFERENCES motcua.sources(source_id);

-- Name: closing_dossier_sums closing_dossier_sums_closing_no_fkey; Type: FK CONSTRAINT; Schema: motcua; Owner: -

ALTER TABLE ONLY motcua.closing_dossier_sums
    ADD CONSTRAINT closing_dossier_sums_closing_no_fkey FOREIGN KEY (closing_no) REFERENCES motcua.closings(closing_no);

-- Name: closing_dossiers closing_dossiers_closing_no_fkey; Type: FK CONSTRAINT; Schema: motcua; Owner: -

ALTER TABLE ONLY motcua.closing_dossiers
    ADD CONSTRAINT closing_dossiers_closing_no_fkey FOREIGN KEY (closing_no) REFERENCES motcua.closings(closing_no);

-- Name: closing_message_sums closing_message_sums_closing_no_fkey; Type: FK CONSTRAINT; Schema: motcua; Owner: -

ALTER TABLE ONLY motcua.closing_message_sums
    ADD CONSTRAINT closing_message_sums_closing_no_fkey FOREIGN KEY (closing_no) REFERENCES motcua.closings(closing_no);

-- Name: closing_messages closing_messages_closing_no_fkey; Type: FK CONSTRAINT; Schema: motcua; Owner: -

ALTER TABLE ONLY motcua.closing_messages
    ADD CONSTRAINT closing_messages_closing_no_fkey FOREIGN KEY (closing_no) REFERENCES motcua.closings(closing_no);

-- Name: closing_orphans closing_orphans_closing_no_fkey; Type: FK CONSTRAINT; Schema: motcua; Owner: -

ALTER TABLE ONLY motcua.closing_orphans
    ADD CONSTRAINT closing_orphans_closing_no_fkey FOREIGN KEY (closing_no) REFERENCES motcua.closings(closing_no);

-- Name: closing_pushed closing_pushed_agency_code_fkey; Type: FK CONSTRAINT; Schema: motcua; Owner: -

ALTER TABLE ONLY motcua.closing_pushed
    ADD CONSTRAINT closing_pushed_agency_code_fkey FOREIGN KEY (agency_code) REFERENCES motcua.agencies(agency_code);

-- Name: closing_pushed closing_pushed_closing_no_fkey; Type: FK CONSTRAINT; Schema: motcua; Owner: -

ALTER TABLE ONLY motcua.closing_pushed
    ADD CONSTRAINT closing_pushed_closing_no_fkey FOREIGN KEY (closing_no) REFERENCES motcua.closings(closing_no);

-- Name: closing_reason_sums closing_reason_sums_closing_no_fkey; Type: FK CONSTRAINT; Schema: motcua; Owner: -

ALTER TABLE ONLY motcua.closing_reason_sums
    ADD CONSTRAINT closing_reason_sums_closing_no_fkey FOREIGN KEY (closing_no) REFERENCES motcua.closings(closing_no);

-- Name: closing_reason_sums closing_reason_sums_state_fkey; Type: FK CONSTRAINT; Schema: motcua; Owner: -

ALTER TABLE ONLY motcua.closing_reason_sums
    ADD CONSTRAINT closing_reason_sums_state_fkey FOREIGN KEY (state) REFERENCES motcua.message_states(state);

-- Name: closing_reasons closing_reasons_closing_no_fkey; Type: FK CONSTRAINT; Schema: motcua; Owner: -

ALTER TABLE ONLY motcua.closing_reasons
    ADD CONSTRAINT closing_reasons_closing_no_fkey FOREIGN KEY (closing_no) REFERENCES motcua.closings(closing_no);

-- Name: closing_reasons closing_reasons_state_fkey; Type: FK CONSTRAINT; Schema: motcua; Owner: -

ALTER TABLE ONLY motcua.closing_reasons
    ADD CONSTRAINT closing_reasons_state_fkey FOREIGN KEY (state) REFERENCES motcua.message_states(state);

-- Name: closing_stops closing_stops_closing_no_fkey; Type: FK CONSTRAINT; Schema: motcua; Owner: -

ALTER TABLE ONLY motcua.closing_stops
    ADD CONSTRAINT closing_stops_closing_no_fkey FOREIGN KEY (closing_no) REFERENCES motcua.closings(closing_no);

-- Name: closing_stops closing_stops_stop_id_fkey; Type: FK CONSTRAINT; Schema: motcua; Owner: -

ALTER TABLE ONLY motcua.closing_stops
    ADD CONSTRAINT closing_stops_stop_id_fkey FOREIGN KEY (stop_id) REFERENCES motcua.stops(stop_id);

-- Name: closing_timings closing_timings_closing_no_fkey; Type: FK CONSTRAINT; Schema: motcua; Owner: -

ALTER TABLE ONLY motcua.closing_timings
    ADD CONSTRAINT closing_timings_closing_no_fkey FOREIGN KEY (closing_no) REFERENCES motcua.closings(closing_no);

-- Name: closings closings_corrects_fkey; Type: FK CONSTRAINT; Schema: motcua; Owner: -

ALTER TABLE ONLY motcua.closings
    ADD CONSTRAINT closings_corrects_fkey FOREIGN KEY (corrects) REFERENCES motcua.closings(closing_no);

-- Name: complaint_changes complaint_changes_complaint_id_fkey; Type: FK CONSTRAINT; Schema: motcua; Owner: -

ALTER TABLE ONLY motcua.complaint_changes
    ADD CONSTRAINT complaint_changes_complaint_id_fkey FOREIGN KEY (complaint_id) REFERENCES motcua.complaints(complaint_id);

-- Name: complaints complaints_agency_code_fkey; Type: FK CONSTRAINT; Schema: motcua; Owner: -

ALTER TABLE ONLY motcua.complaints
    ADD CONSTRAINT complaints_agency_code_fkey FOREIGN KEY (agency_code) REFERENCES motcua.agencies(agency_code);

-- Name: complaints complaints_dossier_id_fkey; Type: FK CONSTRAINT; Schema: motcua; Owner: -

ALTER TABLE ONLY motcua.complaints
    ADD CONSTRAINT complaints_dossier_id_fkey FOREIGN KEY (dossier_id) REFERENCES motcua.dossiers(dossier_id);

-- Name: complaints complaints_message_id_fkey; Type: FK CONSTRAINT; Schema: motcua; Owner: -

ALTER TABLE ONLY motcua.complaints
    ADD CONSTRAINT complaints_message_id_fkey FOREIGN KEY (message_id) REFERENCES motcua.messages(message_id);

-- Name: counted_occasions counted_occasions_source_id_fkey; Type: FK CONSTRAINT; Schema: motcua; Owner: -

ALTER TABLE ONLY motcua.counted_occasions
    ADD CONSTRAINT counted_occasions_source_id_fkey FOREIGN KEY (source_id) REFERENCES motcua.sources(source_id);

-- Name: dossier_versions dossier_versions_dossier_id_fkey; Type: FK CONSTRAINT; Schema: motcua; Owner: -

ALTER TABLE ONLY motcua.dossier_versions
    ADD CONSTRAINT dossier_versions_dossier_id_fkey FOREIGN KEY (dossier_id) REFERENCES motcua.dossiers(dossier_id);

-- Name: dossiers dossiers_agency_code_fkey; Type: FK CONSTRAINT; Schema: motcua; Owner: -

ALTER TABLE ONLY motcua.dossiers
    ADD CONSTRAINT dossiers_agency_code_fkey FOREIGN KEY (agency_code) REFERENCES motcua.agencies(agency_code);

-- Name: dossiers dossiers_procedure_code_fkey; Type: FK CONSTRAINT; Schema: motcua; Owner: -

ALTER TABLE ONLY motcua.dossiers
    ADD CONSTRAINT dossiers_procedure_code_fkey FOREIGN KEY (procedure_code) REFERENCES motcua.procedures(procedure_code);

-- Name: dossiers dossiers_source_id_fkey; Type: FK CONSTRAINT; Schema: motcua; Owner: -

ALTER TABLE ONLY motcua.dossiers
    ADD CONSTRAINT dossiers_source_id_fkey FOREIGN KEY (source_id) REFERENCES motcua.sources(source_id);

-- Name: finding_acknowledgements finding_acknowledgements_finding_id_fkey; Type: FK CONSTRAINT; Schema: motcua; Owner: -

ALTER TABLE ONLY motcua.finding_acknowledgements
    ADD CONSTRAINT finding_acknowledgements_finding_id_fkey FOREIGN KEY (finding_id) REFERENCES motcua.findings(finding_id);

-- Name: finding_episodes finding_episodes_closed_run_fkey; Type: FK CONSTRAINT; Schema: motcua; Owner: -

ALTER TABLE ONLY motcua.finding_episodes
    ADD CONSTRAINT finding_episodes_closed_run_fkey FOREIGN KEY (closed_run) REFERENCES motcua.quality_runs(run_no);

-- Name: finding_episodes finding_episodes_finding_id_fkey; Type: FK CONSTRAINT; Schema: motcua; Owner: -

ALTER TABLE ONLY motcua.finding_episodes
    ADD CONSTRAINT finding_episodes_finding_id_fkey FOREIGN KEY (finding_id) REFERENCES motcua.findings(finding_id);

-- Name: finding_episodes finding_episodes_opened_run_fkey; Type: FK CONSTRAINT; Schema: motcua; Owner: -

ALTER TABLE ONLY motcua.finding_episodes
    ADD CONSTRAINT finding_episodes_opened_run_fkey FOREIGN KEY (opened_run) REFERENCES motcua.quality_runs(run_no);

-- Name: finding_rechecks finding_rechecks_finding_id_fkey; Type: FK CONSTRAINT; Schema: motcua; Owner: -

ALTER TABLE ONLY motcua.finding_rechecks
    ADD CONSTRAINT finding_rechecks_finding_id_fkey FOREIGN KEY (finding_id) REFERENCES motcua.findings(finding_id);

-- Name: cleaned_fields findings_agency_code_fkey; Type: FK CONSTRAINT; Schema: motcua; Owner: -

ALTER TABLE ONLY motcua.cleaned_fields
    ADD CONSTRAINT findings_agency_code_fkey FOREIGN KEY (agency_code) REFERENCES motcua.agencies(agency_code);

-- Name: findings findings_agency_code_fkey1; Type: FK CONSTRAINT; Schema: motcua; Owner: -

ALTER TABLE ONLY motcua.findings
    ADD CONSTRAINT findings_agency_code_fkey1 FOREIGN KEY (agency_code) REFERENCES motcua.agencies(agency_code);

-- Name: cleaned_fields findings_dossier_id_fkey; Type: FK CONSTRAINT; Schema: motcua; Owner: -

ALTER TABLE ONLY motcua.cleaned_fields
    ADD CONSTRAINT findings_dossier_id_fkey FOREIGN KEY (dossier_id) REFERENCES motcua.dossiers(dossier_id);

-- Name: findings findings_dossier_id_fkey1; Type: FK CONSTRAINT; Schema: motcua; Owner: -

ALTER TABLE ONLY motcua.findings
    ADD CONSTRAINT findings_dossier_id_fkey1 FOREIGN KEY (dossier_id) REFERENCES motcua.dossiers(dossier_id);

-- Name: findings findings_first_run_fkey; Type: FK CONSTRAINT; Schema: motcua; Owner: -

ALTER TABLE ONLY motcua.findings
    ADD CONSTRAINT findings_first_run_fkey FOREIGN KEY (first_run) REFERENCES motcua.quality_runs(run_no);

-- Name: cleaned_fields findings_transition_id_fkey; Type: FK CONSTRAINT; Schema: motcua; Owner: -

ALTER TABLE ONLY motcua.cleaned_fields
    ADD CONSTRAINT findings_transition_id_fkey FOREIGN KEY (transition_id) REFERENCES motcua.transitions(transition_id);

-- Name: gateway_days gateway_days_gateway_fkey; Type: FK CONSTRAINT; Schema: motcua; Owner: -

ALTER TABLE ONLY motcua.gateway_days
    ADD CONSTRAINT gateway_days_gateway_fkey FOREIGN KEY (gateway) REFERENCES motcua.gateways(name);

-- Name: gateway_stops gateway_stops_gateway_fkey; Type: FK CONSTRAINT; Schema: motcua; Owner: -

ALTER TABLE ONLY motcua.gateway_stops
    ADD CONSTRAINT gateway_stops_gateway_fkey FOREIGN KEY (gateway) REFERENCES motcua.gateways(name);

-- Name: inquiries inquiries_agency_code_fkey; Type: FK CONSTRAINT; Schema: motcua; Owner: -

ALTER TABLE ONLY motcua.inquiries
    ADD CONSTRAINT inquiries_agency_code_fkey FOREIGN KEY (agency_code) REFERENCES motcua.agencies(agency_code);

-- Name: inquiries inquiries_dossier_id_fkey; Type: FK CONSTRAINT; Schema: motcua; Owner: -

ALTER TABLE ONLY motcua.inquiries
    ADD CONSTRAINT inquiries_dossier_id_fkey FOREIGN KEY (dossier_id) REFERENCES motcua.dossiers(dossier_id);

-- Name: inquiries inquiries_message_id_fkey; Type: FK CONSTRAINT; Schema: motcua; Owner: -

ALTER TABLE ONLY motcua.inquiries
    ADD CONSTRAINT inquiries_message_id_fkey FOREIGN KEY (message_id) REFERENCES motcua.messages(message_id);

-- Name: lost_attempts lost_attempts_gap_no_fkey; Type: FK CONSTRAINT; Schema: motcua; Owner: -

ALTER TABLE ONLY motcua.lost_attempts
    ADD CONSTRAINT lost_attempts_gap_no_fkey FOREIGN KEY (gap_no) REFERENCES motcua.gaps(gap_no);

-- Name: lost_attempts lost_attempts_message_id_fkey; Type: FK CONSTRAINT; Schema: motcua; Owner: -

ALTER TABLE ONLY motcua.lost_attempts
    ADD CONSTRAINT lost_attempts_message_id_fkey FOREIGN KEY (message_id) REFERENCES motcua.messages(message_id);

-- Name: message_history message_history_message_id_fkey; Type: FK CONSTRAINT; Schema: motcua; Owner: -

ALTER TABLE ONLY motcua.message_history
    ADD CONSTRAINT message_history_message_id_fkey FOREIGN KEY (message_id) REFERENCES motcua.messages(message_id);

-- Name: message_moves message_moves_from_state_fkey; Type: FK CONSTRAINT; Schema: motcua; Owner: -

ALTER TABLE ONLY motcua.message_moves
    ADD CONSTRAINT message_moves_from_state_fkey FOREIGN KEY (from_state) REFERENCES motcua.message_states(state);

-- Name: message_moves message_moves_to_state_fkey; Type: FK CONSTRAINT; Schema: motcua; Owner: -

ALTER TABLE ONLY motcua.message_moves
    ADD CONSTRAINT message_moves_to_state_fkey FOREIGN KEY (to_state) REFERENCES motcua.message_states(state);

-- Name: messages messages_agency_code_fkey; Type: FK CONSTRAINT; Schema: motcua; Owner: -

ALTER TABLE ONLY motcua.messages
    ADD CONSTRAINT messages_agency_code_fkey FOREIGN KEY (agency_code) REFERENCES motcua.agencies(agency_code);

-- Name: messages messages_dossier_id_fkey; Type: FK CONSTRAINT; Schema: motcua; Owner: -

ALTER TABLE ONLY motcua.messages
    ADD CONSTRAINT messages_dossier_id_fkey FOREIGN KEY (dossier_id) REFERENCES motcua.dossiers(dossier_id);

-- Name: messages messages_state_fkey; Type: FK CONSTRAINT; Schema: motcua; Owner: -

ALTER TABLE ONLY motcua.messages
    ADD CONSTRAINT messages_state_fkey FOREIGN KEY (state) REFERENCES motcua.message_states(state);

-- Name: messages messages_transition_id_fkey; Type: FK CONSTRAINT; Schema: motcua; Owner: -

ALTER TABLE ONLY motcua.messages
    ADD CONSTRAINT messages_transition_id_fkey FOREIGN KEY (transition_id) REFERENCES motcua.transitions(transition_id);

-- Name: office_hours office_hours_agency_code_fkey; Type: FK CONSTRAINT; Schema: motcua; Owner: -

ALTER TABLE ONLY motcua.office_hours
    ADD CONSTRAINT office_hours_agency_code_fkey FOREIGN KEY (agency_code) REFERENCES motcua.agencies(agency_code);

-- Name: old_steps old_steps_dossier_id_fkey; Type: FK CONSTRAINT; Schema: motcua; Owner: -

ALTER TABLE ONLY motcua.old_steps
    ADD CONSTRAINT old_steps_dossier_id_fkey FOREIGN KEY (dossier_id) REFERENCES motcua.dossiers(dossier_id);

-- Name: old_steps old_steps_known_from_fkey; Type: FK CONSTRAINT; Schema: motcua; Owner: -

ALTER TABLE ONLY motcua.old_steps
    ADD CONSTRAINT old_steps_known_from_fkey FOREIGN KEY (known_from) REFERENCES motcua.transitions(transition_id);

-- Name: old_steps old_steps_source_id_fkey; Type: FK CONSTRAINT; Schema: motcua; Owner: -

ALTER TABLE ONLY motcua.old_steps
    ADD CONSTRAINT old_steps_source_id_fkey FOREIGN KEY (source_id) REFERENCES motcua.sources(source_id);

-- Name: old_steps old_steps_transition_id_fkey; Type: FK CONSTRAINT; Schema: motcua; Owner: -

ALTER TABLE ONLY motcua.old_steps
    ADD CONSTRAINT old_steps_transition_id_fkey FOREIGN KEY (transition_id) REFERENCES motcua.transitions(transition_id);

-- Name: old_steps old_steps_version_id_fkey; Type: FK CONSTRAINT; Schema: motcua; Owner: -

ALTER TABLE ONLY motcua.old_steps
    ADD CONSTRAINT old_steps_version_id_fkey FOREIGN KEY (version_id) REFERENCES motcua.dossier_versions(version_id);

-- Name: pick_ups pick_ups_run_no_fkey; Type: FK CONSTRAINT; Schema: motcua; Owner: -

ALTER TABLE ONLY motcua.pick_ups
    ADD CONSTRAINT pick_ups_run_no_fkey FOREIGN KEY (run_no) REFERENCES motcua.runs(run_no);

-- Name: pick_ups pick_ups_source_id_fkey; Type: FK CONSTRAINT; Schema: motcua; Owner: -

ALTER TABLE ONLY motcua.pick_ups
    ADD CONSTRAINT pick_ups_source_id_fkey FOREIGN KEY (source_id) REFERENCES motcua.sources(source_id);

-- Name: portal_figures portal_figures_agency_code_fkey; Type: FK CONSTRAINT; Schema: motcua; Owner: -

ALTER TABLE ONLY motcua.portal_figures
    ADD CONSTRAINT portal_figures_agency_code_fkey FOREIGN KEY (agency_code) REFERENCES motcua.agencies(agency_code);

-- Name: portal_figures portal_figures_replaces_fkey; Type: FK CONSTRAINT; Schema: motcua; Owner: -

ALTER TABLE ONLY motcua.portal_figures
    ADD CONSTRAINT portal_figures_replaces_fkey FOREIGN KEY (replaces) REFERENCES motcua.portal_figures(figure_no);

-- Name: publication_verifications publication_verifications_publication_no_fkey; Type: FK CONSTRAINT; Schema: motcua; Owner: -

ALTER TABLE ONLY motcua.publication_verifications
    ADD CONSTRAINT publication_verifications_publication_no_fkey FOREIGN KEY (publication_no) REFERENCES motcua.publications(publication_no);

-- Name: publications publications_closing_no_fkey; Type: FK CONSTRAINT; Schema: motcua; Owner: -

ALTER TABLE ONLY motcua.publications
    ADD CONSTRAINT publications_closing_no_fkey FOREIGN KEY (closing_no) REFERENCES motcua.closings(closing_no);

-- Name: publications publications_corrects_fkey; Type: FK CONSTRAINT; Schema: motcua; Owner: -

ALTER TABLE ONLY motcua.publications
    ADD CONSTRAINT publications_corrects_fkey FOREIGN KEY (corrects) REFERENCES motcua.publications(publication_no);

-- Name: quality_agencies quality_agencies_agency_code_fkey; Type: FK CONSTRAINT; Schema: motcua; Owner: -

ALTER TABLE ONLY motcua.quality_agencies
    ADD CONSTRAINT quality_agencies_agency_code_fkey FOREIGN KEY (agency_code) REFERENCES motcua.agencies(agency_code);

-- Name: quality_agencies quality_agencies_run_no_fkey; Type: FK CONSTRAINT; Schema: motcua; Owner: -

ALTER TABLE ONLY motcua.quality_agencies
    ADD CONSTRAINT quality_agencies_run_no_fkey FOREIGN KEY (run_no) REFERENCES motcua.quality_runs(run_no);

-- Name: quality_broken_agencies quality_broken_agencies_run_no_fkey; Type: FK CONSTRAINT; Schema: motcua; Owner: -

ALTER TABLE ONLY motcua.quality_broken_agencies
    ADD CONSTRAINT quality_broken_agencies_run_no_fkey FOREIGN KEY (run_no) REFERENCES motcua.quality_runs(run_no);

-- Name: quality_counts quality_counts_agency_code_fkey; Type: FK CONSTRAINT; Schema: motcua; Owner: -

ALTER TABLE ONLY motcua.quality_counts
    ADD CONSTRAINT quality_counts_agency_code_fkey FOREIGN KEY (agency_code) REFERENCES motcua.agencies(agency_code);

-- Name: quality_counts quality_counts_run_no_rule_fkey; Type: FK CONSTRAINT; Schema: motcua; Owner: -

ALTER TABLE ONLY motcua.quality_counts
    ADD CONSTRAINT quality_counts_run_no_rule_fkey FOREIGN KEY (run_no, rule) REFERENCES motcua.quality_results(run_no, rule);

-- Name: quality_results quality_results_run_no_fkey; Type: FK CONSTRAINT; Schema: motcua; Owner: -

ALTER TABLE ONLY motcua.quality_results
    ADD CONSTRAINT quality_results_run_no_fkey FOREIGN KEY (run_no) REFERENCES motcua.quality_runs(run_no);

-- Name: quality_shares quality_shares_agency_code_fkey; Type: FK CONSTRAINT; Schema: motcua; Owner: -

ALTER TABLE ONLY motcua.quality_shares
    ADD CONSTRAINT quality_shares_agency_code_fkey FOREIGN KEY (agency_code) REFERENCES motcua.agencies(agency_code);

-- Name: quality_shares quality_shares_run_no_fkey; Type: FK CONSTRAINT; Schema: motcua; Owner: -

ALTER TABLE ONLY motcua.quality_shares
    ADD CONSTRAINT quality_shares_run_no_fkey FOREIGN KEY (run_no) REFERENCES motcua.quality_runs(run_no);

-- Name: quality_sources quality_sources_run_no_fkey; Type: FK CONSTRAINT; Schema: motcua; Owner: -

ALTER TABLE ONLY motcua.quality_sources
    ADD CONSTRAINT quality_sources_run_no_fkey FOREIGN KEY (run_no) REFERENCES motcua.quality_runs(run_no);

-- Name: quality_sources quality_sources_source_id_fkey; Type: FK CONSTRAINT; Schema: motcua; Owner: -

ALTER TABLE ONLY motcua.quality_sources
    ADD CONSTRAINT quality_sources_source_id_fkey FOREIGN KEY (source_id) REFERENCES motcua.sources(source_id);

-- Name: quality_suggestions quality_suggestions_agency_code_fkey; Type: FK CONSTRAINT; Schema: motcua; Owner: -

ALTER TABLE ONLY motcua.quality_suggestions
    ADD CONSTRAINT quality_suggestions_agency_code_fkey FOREIGN KEY (agency_code) REFERENCES motcua.agencies(agency_code);

-- Name: quality_suggestions quality_suggestions_run_no_fkey; Type: FK CONSTRAINT; Schema: motcua; Owner: -

ALTER TABLE ONLY motcua.quality_suggestions
    ADD CONSTRAINT quality_suggestions_run_no_fkey FOREIGN KEY (run_no) REFERENCES motcua.quality_runs(run_no);

-- Name: quality_withheld quality_withheld_finding_id_fkey; Type: FK CONSTRAINT; Schema: motcua; Owner: -

ALTER TABLE ONLY motcua.quality_withheld
    ADD CONSTRAINT quality_withheld_finding_id_fkey FOREIGN KEY (finding_id) REFERENCES motcua.findings(finding_id);

-- Name: quality_withheld quality_withheld_run_no_fkey; Type: FK CONSTRAINT; Schema: motcua; Owner: -

ALTER TABLE ONLY motcua.quality_withheld
    ADD CONSTRAINT quality_withheld_run_no_fkey FOREIGN KEY (run_no) REFERENCES motcua.quality_runs(run_no);

-- Name: quarantine quarantine_source_id_fkey; Type: FK CONSTRAINT; Schema: motcua; Owner: -

ALTER TABLE ONLY motcua.quarantine
    ADD CONSTRAINT quarantine_source_id_fkey FOREIGN KEY (source_id) REFERENCES motcua.sources(source_id);

-- Name: receipt_readings receipt_readings_attempt_id_fkey; Type: FK CONSTRAINT; Schema: motcua; Owner: -

ALTER TABLE ONLY motcua.receipt_readings
    ADD CONSTRAINT receipt_readings_attempt_id_fkey FOREIGN KEY (attempt_id) REFERENCES motcua.attempts(attempt_id);

-- Name: receipt_readings receipt_readings_receipt_id_fkey; Type: FK CONSTRAINT; Schema: motcua; Owner: -

ALTER TABLE ONLY motcua.receipt_readings
    ADD CONSTRAINT receipt_readings_receipt_id_fkey FOREIGN KEY (receipt_id) REFERENCES motcua.receipts(receipt_id);

-- Name: releases releases_attempt_id_fkey; Type: FK CONSTRAINT; Schema: motcua; Owner: -

ALTER TABLE ONLY motcua.releases
    ADD CONSTRAINT releases_attempt_id_fkey FOREIGN KEY (attempt_id) REFERENCES motcua.attempts(attempt_id);

-- Name: releases releases_message_id_fkey; Type: FK CONSTRAINT; Schema: motcua; Owner: -

ALTER TABLE ONLY motcua.releases
    ADD CONSTRAINT releases_message_id_fkey FOREIGN KEY (message_id) REFERENCES motcua.messages(message_id);

-- Name: source_numberings source_numberings_source_id_fkey; Type: FK CONSTRAINT; Schema: motcua; Owner: -

ALTER TABLE ONLY motcua.source_numberings
    ADD CONSTRAINT source_numberings_source_id_fkey FOREIGN KEY (source_id) REFERENCES motcua.sources(source_id);

-- Name: statement_difference_sums statement_difference_sums_statement_no_fkey; Type: FK CONSTRAINT; Schema: motcua; Owner: -

ALTER TABLE ONLY motcua.statement_difference_sums
    ADD CONSTRAINT statement_difference_sums_statement_no_fkey FOREIGN KEY (statement_no) REFERENCES motcua.carrier_statements(statement_no);

-- Name: statement_matches statement_matches_attempt_id_fkey; Type: FK CONSTRAINT; Schema: motcua; Owner: -

ALTER TABLE ONLY motcua.statement_matches
    ADD CONSTRAINT statement_matches_attempt_id_fkey FOREIGN KEY (attempt_id) REFERENCES motcua.attempts(attempt_id);

-- Name: statement_matches statement_matches_inquiry_id_fkey; Type: FK CONSTRAINT; Schema: motcua; Owner: -

ALTER TABLE ONLY motcua.statement_matches
    ADD CONSTRAINT statement_matches_inquiry_id_fkey FOREIGN KEY (inquiry_id) REFERENCES motcua.inquiries(inquiry_id);

-- Name: statement_sums statement_sums_statement_no_fkey; Type: FK CONSTRAINT; Schema: motcua; Owner: -

ALTER TABLE ONLY motcua.statement_sums
    ADD CONSTRAINT statement_sums_statement_no_fkey FOREIGN KEY (statement_no) REFERENCES motcua.carrier_statements(statement_no);

-- Name: status_map_changes status_map_changes_source_id_fkey; Type: FK CONSTRAINT; Schema: motcua; Owner: -

ALTER TABLE ONLY motcua.status_map_changes
    ADD CONSTRAINT status_map_changes_source_id_fkey FOREIGN KEY (source_id) REFERENCES motcua.sources(source_id);

-- Name: status_maps status_maps_source_id_fkey; Type: FK CONSTRAINT; Schema: motcua; Owner: -

ALTER TABLE ONLY motcua.status_maps
    ADD CONSTRAINT status_maps_source_id_fkey FOREIGN KEY (source_id) REFERENCES motcua.sources(source_id);

-- Name: stops stops_agency_code_fkey; Type: FK CONSTRAINT; Schema: motcua; Owner: -

ALTER TABLE ONLY motcua.stops
    ADD CONSTRAINT stops_agency_code_fkey FOREIGN KEY (agency_code) REFERENCES motcua.agencies(agency_code);

-- Name: transitions transitions_dossier_id_fkey; Type: FK CONSTRAINT; Schema: motcua; Owner: -

ALTER TABLE ONLY motcua.transitions
    ADD CONSTRAINT transitions_dossier_id_fkey FOREIGN KEY (dossier_id) REFERENCES motcua.dossiers(dossier_id);

-- Name: transitions transitions_message_id_fkey; Type: FK CONSTRAINT; Schema: motcua; Owner: -

ALTER TABLE ONLY motcua.transitions
    ADD CONSTRAINT transitions_message_id_fkey FOREIGN KEY (message_id) REFERENCES motcua.messages(message_id);

-- Name: transitions transitions_source_id_fkey; Type: FK CONSTRAINT; Schema: motcua; Owner: -

ALTER TABLE ONLY motcua.transitions
    ADD CONSTRAINT transitions_source_id_fkey FOREIGN KEY (source_id) REFERENCES motcua.sources(source_id);

-- Name: user_agencies user_agencies_agency_code_fkey; Type: FK CONSTRAINT; Schema: motcua; Owner: -

ALTER TABLE ONLY motcua.user_agencies
    ADD CONSTRAINT user_agencies_agency_code_fkey FOREIGN KEY (agency_code) REFERENCES motcua.agencies(agency_code);

-- Name: user_agency_changes user_agency_changes_agency_code_fkey; Type: FK CONSTRAINT; Schema: motcua; Owner: -

ALTER TABLE ONLY motcua.user_agency_changes
    ADD CONSTRAINT user_agency_changes_agency_code_fkey FOREIGN KEY (agency_code) REFERENCES motcua.agencies(agency_code);

-- Name: SCHEMA audit; Type: ACL; Schema: -; Owner: -

GRANT USAGE ON SCHEMA audit TO motcua_app;
GRANT USAGE ON SCHEMA audit TO motcua_pages;
GRANT USAGE ON SCHEMA audit TO motcua_audit;

-- Name: SCHEMA intake; Type: ACL; Schema: -; Owner: -

GRANT USAGE ON SCHEMA intake TO motcua_app;
GRANT USAGE ON SCHEMA intake TO motcua_pages;
GRANT USAGE ON SCHEMA intake TO motcua_intake;
GRANT USAGE ON SCHEMA intake TO motcua_eraser;

-- Name: SCHEMA motcua; Type: ACL; Schema: -; Owner: -

GRANT USAGE ON SCHEMA motcua TO motcua_app;
GRANT USAGE ON SCHEMA motcua TO motcua_callbacks;
GRANT USAGE ON SCHEMA motcua TO motcua_pages;
GRANT USAGE ON SCHEMA motcua TO motcua_purge;
GRANT USAGE ON SCHEMA motcua TO motcua_eraser;

-- Name: SCHEMA quality; Type: ACL; Schema: -; Owner: -

GRANT USAGE ON SCHEMA quality TO motcua_app;

-- Name: SCHEMA statements; Type: ACL; Schema: -; Owner: -

GRANT USAGE ON SCHEMA statements TO motcua_app;

-- Name: FUNCTION dossier_as_of(of_dossier bigint, moment timestamp with time zone, known_version bigint, known_transition bigint); Type: ACL; Schema: audit; Owner: -

REVOKE ALL ON FUNCTION audit.dossier_as_of(of_dossier bigint, moment timestamp with time zone, known_version bigint, known_transition bigint) FROM PUBLIC;
GRANT ALL ON FUNCTION audit.dossier_as_of(of_dossier bigint, moment timestamp with time zone, known_version bigint, known_transition bigint) TO motcua_app;
GRANT ALL ON FUNCTION audit.dossier_as_of(of_dossier bigint, moment timestamp with time zone, known_version bigint, known_transition bigint) TO motcua_pages;
GRANT ALL ON FUNCTION audit.dossier_as_of(of_dossier bigint, moment timestamp with time zone, known_version bigint, known_transition bigint) TO motcua_audit;

-- Name: FUNCTION compare_export(of_client bigint, agency_codes text[], dossier_codes text[], OUT there bigint, OUT missing bigint); Type: ACL; Schema: intake; Owner: -

REVOKE ALL ON FUNCTION intake.compare_export(of_client bigint, agency_codes text[], dossier_codes text[], OUT there bigint, OUT missing bigint) FROM PUBLIC;
GRANT ALL ON FUNCTION intake.compare_export(of_client bigint, agency_codes text[], dossier_codes text[], OUT there bigint, OUT missing bigint) TO motcua_app;

-- Name: TABLE clients; Type: ACL; Schema: intake; Owner: -

GRANT SELECT,INSERT,UPDATE ON TABLE intake.clients TO motcua_app;

-- Name: COLUMN clients.client_id; Type: ACL; Schema: intake; Owner: -

GRANT SELECT(client_id) ON TABLE intake.clients TO motcua_pages;

-- Name: COLUMN clients.name; Type: ACL; Schema: intake; Owner: -

GRANT SELECT(name) ON TABLE intake.clients TO motcua_pages;

-- Name: COLUMN clients.source; Type: ACL; Schema: intake; Owner: -

GRANT SELECT(source) ON TABLE intake.clients TO motcua_pages;

-- Name: COLUMN clients.networks; Type: ACL; Schema: intake; Owner: -

GRANT SELECT(networks) ON TABLE intake.clients TO motcua_pages;

-- Name: COLUMN clients.supplements_at_desk_since; Type: ACL; Schema: intake; Owner: -

GRANT SELECT(supplements_at_desk_since) ON TABLE intake.clients TO motcua_pages;

-- Name: COLUMN clients.disabled_at; Type: ACL; Schema: intake; Owner: -

GRANT SELECT(disabled_at) ON TABLE intake.clients TO motcua_pages;

-- Name: FUNCTION look_up(session_digest bytea, codes text[]); Type: ACL; Schema: intake; Owner: -

REVOKE ALL ON FUNCTION intake.look_up(session_digest bytea, codes text[]) FROM PUBLIC;
GRANT ALL ON FUNCTION intake.look_up(session_digest bytea, codes text[]) TO motcua_intake;

-- Name: FUNCTION note_call(session_digest bytea, of_service text, were_taken bigint, were_repeated bigint, were_refused bigint, faults jsonb); Type: ACL; Schema: intake; Owner: -

REVOKE ALL ON FUNCTION intake.note_call(session_digest bytea, of_service text, were_taken bigint, were_repeated bigint, were_refused bigint, faults jsonb) FROM PUBLIC;
GRANT ALL ON FUNCTION intake.note_call(session_digest bytea, of_service text, were_taken bigint, were_repeated bigint, were_refused bigint, faults jsonb) TO motcua_intake;

-- Name: FUNCTION note_vanished(of_client bigint, export bigint, agency_codes text[], dossier_codes text[]); Type: ACL; Schema: intake; Owner: -

REVOKE ALL ON FUNCTION intake.note_vanished(of_client bigint, export bigint, agency_codes text[], dossier_codes text[]) FROM PUBLIC;
GRANT ALL ON FUNCTION intake.note_vanished(of_client bigint, export bigint, agency_codes text[], dossier_codes text[]) TO motcua_app;

-- Name: FUNCTION sign_in(client_name text, shown_digest bytea, session_digest bytea, lasts interval); Type: ACL; Schema: intake; Owner: -

REVOKE ALL ON FUNCTION intake.sign_in(client_name text, shown_digest bytea, session_digest bytea, lasts interval) FROM PUBLIC;
GRANT ALL ON FUNCTION intake.sign_in(client_name text, shown_digest bytea, session_digest bytea, lasts interval) TO motcua_intake;

-- Name: FUNCTION sign_in_from(caller inet, unit text, session_digest bytea); Type: ACL; Schema: intake; Owner: -

REVOKE ALL ON FUNCTION intake.sign_in_from(caller inet, unit text, session_digest bytea) FROM PUBLIC;
GRANT ALL ON FUNCTION intake.sign_in_from(caller inet, unit text, session_digest bytea) TO motcua_intake;

-- Name: FUNCTION take_dossiers(session_digest bytea, given jsonb); Type: ACL; Schema: intake; Owner: -

REVOKE ALL ON FUNCTION intake.take_dossiers(session_digest bytea, given jsonb) FROM PUBLIC;
GRANT ALL ON FUNCTION intake.take_dossiers(session_digest bytea, given jsonb) TO motcua_intake;

-- Name: FUNCTION take_export(of_client bigint, export bigint, exported timestamp with time zone, is_whole boolean, is_first boolean, given jsonb); Type: ACL; Schema: intake; Owner: -

REVOKE ALL ON FUNCTION intake.take_export(of_client bigint, export bigint, exported timestamp with time zone, is_whole boolean, is_first boolean, given jsonb) FROM PUBLIC;
GRANT ALL ON FUNCTION intake.take_export(of_client bigint, export bigint, exported timestamp with time zone, is_whole boolean, is_first boolean, given jsonb) TO motcua_app;

-- Name: FUNCTION take_steps(session_digest bytea, given jsonb); Type: ACL; Schema: intake; Owner: -

REVOKE ALL ON FUNCTION intake.take_steps(session_digest bytea, given jsonb) FROM PUBLIC;
GRANT ALL ON FUNCTION intake.take_steps(session_digest bytea, given jsonb) TO motcua_intake;

-- Name: FUNCTION whose(session_digest bytea); Type: ACL; Schema: intake; Owner: -

REVOKE ALL ON FUNCTION intake.whose(session_digest bytea) FROM PUBLIC;
GRANT ALL ON FUNCTION intake.whose(session_digest bytea) TO motcua_intake;

-- Name: FUNCTION answer_gap(of_gap bigint, sent_by timestamp with time zone, said_by text, because text, at_gateway text, at_moment timestamp with time zone); Type: ACL; Schema: motcua; Owner: -

REVOKE ALL ON FUNCTION motcua.answer_gap(of_gap bigint, sent_by timestamp with time zone, said_by text, because text, at_gateway text, at_moment timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION motcua.answer_gap(of_gap bigint, sent_by timestamp with time zone, said_by text, because text, at_gateway text, at_moment timestamp with time zone) TO motcua_app;
GRANT ALL ON FUNCTION motcua.answer_gap(of_gap bigint, sent_by timestamp with time zone, said_by text, because text, at_gateway text, at_moment timestamp with time zone) TO motcua_pages;

-- Name: FUNCTION apply_page_request(of_request bigint); Type: ACL; Schema: motcua; Owner: -

REVOKE ALL ON FUNCTION motcua.apply_page_request(of_request bigint) FROM PUBLIC;
GRANT ALL ON FUNCTION motcua.apply_page_request(of_request bigint) TO motcua_app;

-- Name: FUNCTION apply_receipts(meanings jsonb, at_moment timestamp with time zone); Type: ACL; Schema: motcua; Owner: -

REVOKE ALL ON FUNCTION motcua.apply_receipts(meanings jsonb, at_moment timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION motcua.apply_receipts(meanings jsonb, at_moment timestamp with time zone) TO motcua_app;
GRANT ALL ON FUNCTION motcua.apply_receipts(meanings jsonb, at_moment timestamp with time zone) TO motcua_callbacks;

-- Name: FUNCTION asked_dossiers(code_keys text[], asking_phone text); Type: ACL; Schema: motcua; Owner: -

REVOKE ALL ON FUNCTION motcua.asked_dossiers(code_keys text[], asking_phone text) FROM PUBLIC;
GRANT ALL ON FUNCTION motcua.asked_dossiers(code_keys text[], asking_phone text) TO motcua_app;
GRANT ALL ON FUNCTION motcua.asked_dossiers(code_keys text[], asking_phone text) TO motcua_callbacks;
GRANT ALL ON FUNCTION motcua.asked_dossiers(code_keys text[], asking_phone text) TO motcua_pages;

-- Name: FUNCTION asked_too_often(at_gateway text, asking_phone text, since_day timestamp with time zone, since_minute timestamp with time zone, phone_limit integer, gateway_limit integer); Type: ACL; Schema: motcua; Owner: -

REVOKE ALL ON FUNCTION motcua.asked_too_often(at_gateway text, asking_phone text, since_day timestamp with time zone, since_minute timestamp with time zone, phone_limit integer, gateway_limit integer) FROM PUBLIC;
GRANT ALL ON FUNCTION motcua.asked_too_often(at_gateway text, asking_phone text, since_day timestamp with time zone, since_minute timestamp with time zone, phone_limit integer, gateway_limit integer) TO motcua_app;
GRANT ALL ON FUNCTION motcua.asked_too_often(at_gateway text, asking_phone text, since_day timestamp with time zone, since_minute timestamp with time zone, phone_limit integer, gateway_limit integer) TO motcua_callbacks;

-- Name: FUNCTION desk_user(agency_code text, actor text); Type: ACL; Schema: motcua; Owner: -

REVOKE ALL ON FUNCTION motcua.desk_user(agency_code text, actor text) FROM PUBLIC;
GRANT ALL ON FUNCTION motcua.desk_user(agency_code text, actor text) TO motcua_app;
GRANT ALL ON FUNCTION motcua.desk_user(agency_code text, actor text) TO motcua_eraser;

-- Name: FUNCTION empty_counted_occasions(); Type: ACL; Schema: motcua; Owner: -

REVOKE ALL ON FUNCTION motcua.empty_counted_occasions() FROM PUBLIC;
GRANT ALL ON FUNCTION motcua.empty_counted_occasions() TO motcua_app;

-- Name: FUNCTION look_at_counted_occasions(); Type: ACL; Schema: motcua; Owner: -

REVOKE ALL ON FUNCTION motcua.look_at_counted_occasions() FROM PUBLIC;
GRANT ALL ON FUNCTION motcua.look_at_counted_occasions() TO motcua_app;

-- Name: FUNCTION map_status(at_source text, as_written integer, stands_for integer, said_by text, at_moment timestamp with time zone); Type: ACL; Schema: motcua; Owner: -

REVOKE ALL ON FUNCTION motcua.map_status(at_source text, as_written integer, stands_for integer, said_by text, at_moment timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION motcua.map_status(at_source text, as_written integer, stands_for integer, said_by text, at_moment timestamp with time zone) TO motcua_app;

-- Name: FUNCTION note_agency_change(of_agency text); Type: ACL; Schema: motcua; Owner: -

REVOKE ALL ON FUNCTION motcua.note_agency_change(of_agency text) FROM PUBLIC;

-- Name: FUNCTION provider_id(written text); Type: ACL; Schema: motcua; Owner: -

REVOKE ALL ON FUNCTION motcua.provider_id(written text) FROM PUBLIC;
GRANT ALL ON FUNCTION motcua.provider_id(written text) TO motcua_app;
GRANT ALL ON FUNCTION motcua.provider_id(written text) TO motcua_eraser;

-- Name: FUNCTION purge_personal_data(of_kind text, after_id bigint, at_most integer, under_reference text, for_cause text, by_whom text, with_reason text, only_these jsonb, listed_at timestamp with time zone); Type: ACL; Schema: motcua; Owner: -

REVOKE ALL ON FUNCTION motcua.purge_personal_data(of_kind text, after_id bigint, at_most integer, under_reference text, for_cause text, by_whom text, with_reason text, only_these jsonb, listed_at timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION motcua.purge_personal_data(of_kind text, after_id bigint, at_most integer, under_reference text, for_cause text, by_whom text, with_reason text, only_these jsonb, listed_at timestamp with time zone) TO motcua_purge;

-- Name: FUNCTION release_messages(let_go_by text, because text, at_moment timestamp with time zone, of_messages bigint[], at_gateway text, recorded_from timestamp with time zone, recorded_until timestamp with time zone); Type: ACL; Schema: motcua; Owner: -

REVOKE ALL ON FUNCTION motcua.release_messages(let_go_by text, because text, at_moment timestamp with time zone, of_messages bigint[], at_gateway text, recorded_from timestamp with time zone, recorded_until timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION motcua.release_messages(let_go_by text, because text, at_moment timestamp with time zone, of_messages bigint[], at_gateway text, recorded_from timestamp with time zone, recorded_until timestamp with time zone) TO motcua_app;

-- Name: FUNCTION reply_given(at_gateway text, key_of_inquiry text); Type: ACL; Schema: motcua; Owner: -

REVOKE ALL ON FUNCTION motcua.reply_given(at_gateway text, key_of_inquiry text) FROM PUBLIC;
GRANT ALL ON FUNCTION motcua.reply_given(at_gateway text, key_of_inquiry text) TO motcua_app;
GRANT ALL ON FUNCTION motcua.reply_given(at_gateway text, key_of_inquiry text) TO motcua_callbacks;

-- Name: FUNCTION save_inquiry(inquiry jsonb); Type: ACL; Schema: motcua; Owner: -

REVOKE ALL ON FUNCTION motcua.save_inquiry(inquiry jsonb) FROM PUBLIC;
GRANT ALL ON FUNCTION motcua.save_inquiry(inquiry jsonb) TO motcua_app;
GRANT ALL ON FUNCTION motcua.save_inquiry(inquiry jsonb) TO motcua_callbacks;

-- Name: FUNCTION save_page_request(of_kind text, given jsonb, said_by text); Type: ACL; Schema: motcua; Owner: -

REVOKE ALL ON FUNCTION motcua.save_page_request(of_kind text, given jsonb, said_by text) FROM PUBLIC;
GRANT ALL ON FUNCTION motcua.save_page_request(of_kind text, given jsonb, said_by text) TO motcua_app;
GRANT ALL ON FUNCTION motcua.save_page_request(of_kind text, given jsonb, said_by text) TO motcua_pages;

-- Name: FUNCTION set_agency_settings(of_agency text, seen bigint, wanted jsonb, set_by text); Type: ACL; Schema: motcua; Owner: -

REVOKE ALL ON FUNCTION motcua.set_agency_settings(of_agency text, seen bigint, wanted jsonb, set_by text) FROM PUBLIC;
GRANT ALL ON FUNCTION motcua.set_agency_settings(of_agency text, seen bigint, wanted jsonb, set_by text) TO motcua_app;
GRANT ALL ON FUNCTION motcua.set_agency_settings(of_agency text, seen bigint, wanted jsonb, set_by text) TO motcua_pages;

-- Name: FUNCTION tidy_after_purge(); Type: ACL; Schema: motcua; Owner: -

REVOKE ALL ON FUNCTION motcua.tidy_after_purge() FROM PUBLIC;
GRANT ALL ON FUNCTION motcua.tidy_after_purge() TO motcua_app;

-- Name: FUNCTION wait_for_emptying(); Type: ACL; Schema: motcua; Owner: -

REVOKE ALL ON FUNCTION motcua.wait_for_emptying() FROM PUBLIC;
GRANT ALL ON FUNCTION motcua.wait_for_emptying() TO motcua_purge;

-- Name: FUNCTION wait_for_folder(named text); Type: ACL; Schema: motcua; Owner: -

REVOKE ALL ON FUNCTION motcua.wait_for_folder(named text) FROM PUBLIC;
GRANT ALL ON FUNCTION motcua.wait_for_folder(named text) TO motcua_app;
GRANT ALL ON FUNCTION motcua.wait_for_folder(named text) TO motcua_pages;

-- Name: FUNCTION wait_for_phone(phone text); Type: ACL; Schema: motcua; Owner: -

REVOKE ALL ON FUNCTION motcua.wait_for_phone(phone text) FROM PUBLIC;
GRANT ALL ON FUNCTION motcua.wait_for_phone(phone text) TO motcua_app;
GRANT ALL ON FUNCTION motcua.wait_for_phone(phone text) TO motcua_callbacks;

-- Name: FUNCTION wait_for_settings(); Type: ACL; Schema: motcua; Owner: -

REVOKE ALL ON FUNCTION motcua.wait_for_settings() FROM PUBLIC;
GRANT ALL ON FUNCTION motcua.wait_for_settings() TO motcua_app;
GRANT ALL ON FUNCTION motcua.wait_for_settings() TO motcua_pages;

-- Name: FUNCTION withdraw_page_request(of_request bigint, said_by text); Type: ACL; Schema: motcua; Owner: -

REVOKE ALL ON FUNCTION motcua.withdraw_page_request(of_request bigint, said_by text) FROM PUBLIC;
GRANT ALL ON FUNCTION motcua.withdraw_page_request(of_request bigint, said_by text) TO motcua_app;
GRANT ALL ON FUNCTION motcua.withdraw_page_request(of_request bigint, said_by text) TO motcua_pages;

-- Name: FUNCTION begin_snapshot(); Type: ACL; Schema: quality; Owner: -

REVOKE ALL ON FUNCTION quality.begin_snapshot() FROM PUBLIC;
GRANT ALL ON FUNCTION quality.begin_snapshot() TO motcua_app;

-- Name: FUNCTION look_at(table_name text, column_name text); Type: ACL; Schema: quality; Owner: -

REVOKE ALL ON FUNCTION quality.look_at(table_name text, column_name text) FROM PUBLIC;
GRANT ALL ON FUNCTION quality.look_at(table_name text, column_name text) TO motcua_app;

-- Name: FUNCTION clear(); Type: ACL; Schema: statements; Owner: -

REVOKE ALL ON FUNCTION statements.clear() FROM PUBLIC;
GRANT ALL ON FUNCTION statements.clear() TO motcua_app;

-- Name: FUNCTION look_at(table_name text); Type: ACL; Schema: statements; Owner: -

REVOKE ALL ON FUNCTION statements.look_at(table_name text) FROM PUBLIC;
GRANT ALL ON FUNCTION statements.look_at(table_name text) TO motcua_app;

-- Name: TABLE agencies; Type: ACL; Schema: motcua; Owner: -

GRANT SELECT,INSERT,UPDATE ON TABLE motcua.agencies TO motcua_app;
GRANT SELECT ON TABLE motcua.agencies TO motcua_pages;
GRANT SELECT ON TABLE motcua.agencies TO motcua_eraser;

-- Name: COLUMN agencies.agency_code; Type: ACL; Schema: motcua; Owner: -

GRANT SELECT(agency_code) ON TABLE motcua.agencies TO motcua_callbacks;

-- Name: TABLE agencies; Type: ACL; Schema: audit; Owner: -

GRANT SELECT ON TABLE audit.agencies TO motcua_app;
GRANT SELECT ON TABLE audit.agencies TO motcua_pages;
GRANT SELECT ON TABLE audit.agencies TO motcua_audit;

-- Name: TABLE agency_aliases; Type: ACL; Schema: motcua; Owner: -

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE motcua.agency_aliases TO motcua_app;
GRANT SELECT ON TABLE motcua.agency_aliases TO motcua_pages;

-- Name: COLUMN agency_aliases.alias; Type: ACL; Schema: motcua; Owner: -

GRANT SELECT(alias) ON TABLE motcua.agency_aliases TO motcua_callbacks;

-- Name: COLUMN agency_aliases.agency_code; Type: ACL; Schema: motcua; Owner: -

GRANT SELECT(agency_code) ON TABLE motcua.agency_aliases TO motcua_callbacks;

-- Name: TABLE agency_aliases; Type: ACL; Schema: audit; Owner: -

GRANT SELECT ON TABLE audit.agency_aliases TO motcua_app;
GRANT SELECT ON TABLE audit.agency_aliases TO motcua_pages;
GRANT SELECT ON TABLE audit.agency_aliases TO motcua_audit;

-- Name: TABLE agency_changes; Type: ACL; Schema: motcua; Owner: -

GRANT SELECT ON TABLE motcua.agency_changes TO motcua_app;
GRANT SELECT ON TABLE motcua.agency_changes TO motcua_pages;

-- Name: TABLE agency_changes; Type: ACL; Schema: audit; Owner: -

GRANT SELECT ON TABLE audit.agency_changes TO motcua_app;
GRANT SELECT ON TABLE audit.agency_changes TO motcua_pages;
GRANT SELECT ON TABLE audit.agency_changes TO motcua_audit;

-- Name: TABLE agency_names; Type: ACL; Schema: motcua; Owner: -

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE motcua.agency_names TO motcua_app;
GRANT SELECT ON TABLE motcua.agency_names TO motcua_pages;

-- Name: TABLE agency_names; Type: ACL; Schema: audit; Owner: -

GRANT SELECT ON TABLE audit.agency_names TO motcua_app;
GRANT SELECT ON TABLE audit.agency_names TO motcua_pages;
GRANT SELECT ON TABLE audit.agency_names TO motcua_audit;

-- Name: TABLE alerts; Type: ACL; Schema: motcua; Owner: -

GRANT SELECT,INSERT,UPDATE ON TABLE motcua.alerts TO motcua_app;
GRANT SELECT ON TABLE motcua.alerts TO motcua_pages;

-- Name: COLUMN alerts.acknowledged_at; Type: ACL; Schema: motcua; Owner: -

GRANT UPDATE(acknowledged_at) ON TABLE motcua.alerts TO motcua_pages;

-- Name: COLUMN alerts.acknowledged_by; Type: ACL; Schema: motcua; Owner: -

GRANT UPDATE(acknowledged_by) ON TABLE motcua.alerts TO motcua_pages;

-- Name: TABLE alerts; Type: ACL; Schema: audit; Owner: -

GRANT SELECT ON TABLE audit.alerts TO motcua_app;
GRANT SELECT ON TABLE audit.alerts TO motcua_pages;
GRANT SELECT ON TABLE audit.alerts TO motcua_audit;

-- Name: TABLE apology_evenings; Type: ACL; Schema: motcua; Owner: -

GRANT SELECT,INSERT ON TABLE motcua.apology_evenings TO motcua_app;
GRANT SELECT ON TABLE motcua.apology_evenings TO motcua_pages;

-- Name: COLUMN apology_evenings.agency_code; Type: ACL; Schema: motcua; Owner: -

GRANT SELECT(agency_code) ON TABLE motcua.apology_evenings TO motcua_callbacks;

-- Name: COLUMN apology_evenings.evening_at; Type: ACL; Schema: motcua; Owner: -

GRANT SELECT(evening_at) ON TABLE motcua.apology_evenings TO motcua_callbacks;

-- Name: COLUMN apology_evenings.first_due; Type: ACL; Schema: motcua; Owner: -

GRANT SELECT(first_due) ON TABLE motcua.apology_evenings TO motcua_callbacks;

-- Name: COLUMN apology_evenings.last_due; Type: ACL; Schema: motcua; Owner: -

GRANT SELECT(last_due) ON TABLE motcua.apology_evenings TO motcua_callbacks;

-- Name: COLUMN apology_evenings.known_transition; Type: ACL; Schema: motcua; Owner: -

GRANT SELECT(known_transition) ON TABLE motcua.apology_evenings TO motcua_callbacks;

-- Name: COLUMN apology_evenings.known_version; Type: ACL; Schema: motcua; Owner: -

GRANT SELECT(known_version) ON TABLE motcua.apology_evenings TO motcua_callbacks;

-- Name: TABLE apology_evenings; Type: ACL; Schema: audit; Owner: -

GRANT SELECT ON TABLE audit.apology_evenings TO motcua_app;
GRANT SELECT ON TABLE audit.apology_evenings TO motcua_pages;
GRANT SELECT ON TABLE audit.apology_evenings TO motcua_audit;

-- Name: TABLE attempts; Type: ACL; Schema: motcua; Owner: -

GRANT SELECT,INSERT,UPDATE ON TABLE motcua.attempts TO motcua_app;
GRANT SELECT ON TABLE motcua.attempts TO motcua_pages;
GRANT SELECT ON TABLE motcua.attempts TO motcua_eraser;

-- Name: COLUMN attempts.message_id; Type: ACL; Schema: motcua; Owner: -

GRANT SELECT(message_id) ON TABLE motcua.attempts TO motcua_callbacks;

-- Name: COLUMN attempts.gateway; Type: ACL; Schema: motcua; Owner: -

GRANT SELECT(gateway) ON TABLE motcua.attempts TO motcua_callbacks;

-- Name: COLUMN attempts.msisdn; Type: ACL; Schema: motcua; Owner: -

GRANT UPDATE(msisdn) ON TABLE motcua.attempts TO motcua_eraser;

-- Name: COLUMN attempts.state; Type: ACL; Schema: motcua; Owner: -

GRANT SELECT(state) ON TABLE motcua.attempts TO motcua_callbacks;

-- Name: COLUMN attempts.started_at; Type: ACL; Schema: motcua; Owner: -

GRANT SELECT(started_at) ON TABLE motcua.attempts TO motcua_callbacks;

-- Name: COLUMN attempts.gateway_reference; Type: ACL; Schema: motcua; Owner: -

GRANT UPDATE(gateway_reference) ON TABLE motcua.attempts TO motcua_eraser;

-- Name: COLUMN attempts.released; Type: ACL; Schema: motcua; Owner: -

GRANT SELECT(released) ON TABLE motcua.attempts TO motcua_callbacks;

-- Name: COLUMN attempts.purged_at; Type: ACL; Schema: motcua; Owner: -

GRANT UPDATE(purged_at) ON TABLE motcua.attempts TO motcua_eraser;

-- Name: TABLE attempts; Type: ACL; Schema: audit; Owner: -

GRANT SELECT ON TABLE audit.attempts TO motcua_app;
GRANT SELECT ON TABLE audit.attempts TO motcua_pages;
GRANT SELECT ON TABLE audit.attempts TO motcua_audit;

-- Name: TABLE calendar_changes; Type: ACL; Schema: motcua; Owner: -

GRANT SELECT ON TABLE motcua.calendar_changes TO motcua_app;
GRANT SELECT ON TABLE motcua.calendar_changes TO motcua_pages;

-- Name: TABLE calendar_changes; Type: ACL; Schema: audit; Owner: -

GRANT SELECT ON TABLE audit.calendar_changes TO motcua_app;
GRANT SELECT ON TABLE audit.calendar_changes TO motcua_pages;
GRANT SELECT ON TABLE audit.calendar_changes TO motcua_audit;

-- Name: TABLE calendar_days; Type: ACL; Schema: motcua; Owner: -

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE motcua.calendar_days TO motcua_app;
GRANT SELECT ON TABLE motcua.calendar_days TO motcua_pages;

-- Name: TABLE calendar_days; Type: ACL; Schema: audit; Owner: -

GRANT SELECT ON TABLE audit.calendar_days TO motcua_app;
GRANT SELECT ON TABLE audit.calendar_days TO motcua_pages;
GRANT SELECT ON TABLE audit.calendar_days TO motcua_audit;

-- Name: TABLE calendar_years; Type: ACL; Schema: motcua; Owner: -

GRANT SELECT,INSERT,UPDATE ON TABLE motcua.calendar_years TO motcua_app;
GRANT SELECT ON TABLE motcua.calendar_years TO motcua_pages;

-- Name: TABLE calendar_years; Type: ACL; Schema: audit; Owner: -

GRANT SELECT ON TABLE audit.calendar_years TO motcua_app;
GRANT SELECT ON TABLE audit.calendar_years TO motcua_pages;
GRANT SELECT ON TABLE audit.calendar_years TO motcua_audit;

-- Name: TABLE carrier_statements; Type: ACL; Schema: motcua; Owner: -

GRANT SELECT,INSERT ON TABLE motcua.carrier_statements TO motcua_app;
GRANT SELECT ON TABLE motcua.carrier_statements TO motcua_pages;

-- Name: TABLE carrier_statements; Type: ACL; Schema: audit; Owner: -

GRANT SELECT ON TABLE audit.carrier_statements TO motcua_app;
GRANT SELECT ON TABLE audit.carrier_statements TO motcua_pages;
GRANT SELECT ON TABLE audit.carrier_statements TO motcua_audit;

-- Name: TABLE cleaned_fields; Type: ACL; Schema: motcua; Owner: -

GRANT SELECT,INSERT ON TABLE motcua.cleaned_fields TO motcua_app;

-- Name: COLUMN cleaned_fields.detail; Type: ACL; Schema: motcua; Owner: -

GRANT UPDATE(detail) ON TABLE motcua.cleaned_fields TO motcua_app;

-- Name: COLUMN cleaned_fields.last_seen_at; Type: ACL; Schema: motcua; Owner: -

GRANT UPDATE(last_seen_at) ON TABLE motcua.cleaned_fields TO motcua_app;

-- Name: TABLE cleaned_fields; Type: ACL; Schema: audit; Owner: -

GRANT SELECT ON TABLE audit.cleaned_fields TO motcua_app;
GRANT SELECT ON TABLE audit.cleaned_fields TO motcua_pages;
GRANT SELECT ON TABLE audit.cleaned_fields TO motcua_audit;

-- Name: TABLE closing_agencies; Type: ACL; Schema: motcua; Owner: -

GRANT SELECT,INSERT ON TABLE motcua.closing_agencies TO motcua_app;

-- Name: TABLE closing_agencies; Type: ACL; Schema: audit; Owner: -

GRANT SELECT ON TABLE audit.closing_agencies TO motcua_app;
GRANT SELECT ON TABLE audit.closing_agencies TO motcua_pages;
GRANT SELECT ON TABLE audit.closing_agencies TO motcua_audit;

-- Name: TABLE closing_changes; Type: ACL; Schema: motcua; Owner: -

GRANT SELECT,INSERT ON TABLE motcua.closing_changes TO motcua_app;

-- Name: TABLE closing_changes; Type: ACL; Schema: audit; Owner: -

GRANT SELECT ON TABLE audit.closing_changes TO motcua_app;
GRANT SELECT ON TABLE audit.closing_changes TO motcua_pages;
GRANT SELECT ON TABLE audit.closing_changes TO motcua_audit;

-- Name: TABLE closing_differences; Type: ACL; Schema: motcua; Owner: -

GRANT SELECT,INSERT ON TABLE motcua.closing_differences TO motcua_app;

-- Name: TABLE closing_differences; Type: ACL; Schema: audit; Owner: -

GRANT SELECT ON TABLE audit.closing_differences TO motcua_app;
GRANT SELECT ON TABLE audit.closing_differences TO motcua_pages;
GRANT SELECT ON TABLE audit.closing_differences TO motcua_audit;

-- Name: TABLE closing_dossier_sums; Type: ACL; Schema: motcua; Owner: -

GRANT SELECT,INSERT ON TABLE motcua.closing_dossier_sums TO motcua_app;

-- Name: TABLE closing_dossiers; Type: ACL; Schema: motcua; Owner: -

GRANT SELECT,INSERT ON TABLE motcua.closing_dossiers TO motcua_app;

-- Name: TABLE closings; Type: ACL; Schema: motcua; Owner: -

GRANT SELECT,INSERT ON TABLE motcua.closings TO motcua_app;
GRANT SELECT ON TABLE motcua.closings TO motcua_pages;

-- Name: TABLE closing_dossier_sums; Type: ACL; Schema: audit; Owner: -

GRANT SELECT ON TABLE audit.closing_dossier_sums TO motcua_app;
GRANT SELECT ON TABLE audit.closing_dossier_sums TO motcua_pages;
GRANT SELECT ON TABLE audit.closing_dossier_sums TO motcua_audit;

-- Name: TABLE closing_dossiers; Type: ACL; Schema: audit; Owner: -

GRANT SELECT ON TABLE audit.closing_dossiers TO motcua_app;
GRANT SELECT ON TABLE audit.closing_dossiers TO motcua_pages;
GRANT SELECT ON TABLE audit.closing_dossiers TO motcua_audit;

-- Name: TABLE closing_message_sums; Type: ACL; Schema: motcua; Owner: -

GRANT SELECT,INSERT ON TABLE motcua.closing_message_sums TO motcua_app;

-- Name: TABLE closing_messages; Type: ACL; Schema: motcua; Owner: -

GRANT SELECT,INSERT ON TABLE motcua.closing_messages TO motcua_app;

-- Name: TABLE closing_message_sums; Type: ACL; Schema: audit; Owner: -

GRANT SELECT ON TABLE audit.closing_message_sums TO motcua_app;
GRANT SELECT ON TABLE audit.closing_message_sums TO motcua_pages;
GRANT SELECT ON TABLE audit.closing_message_sums TO motcua_audit;

-- Name: TABLE closing_messages; Type: ACL; Schema: audit; Owner: -

GRANT SELECT ON TABLE audit.closing_messages TO motcua_app;
GRANT SELECT ON TABLE audit.closing_messages TO motcua_pages;
GRANT SELECT ON TABLE audit.closing_messages TO motcua_audit;

-- Name: TABLE closing_orphans; Type: ACL; Schema: motcua; Owner: -

GRANT SELECT,INSERT ON TABLE motcua.closing_orphans TO motcua_app;

-- Name: TABLE closing_orphans; Type: ACL; Schema: audit; Owner: -

GRANT SELECT ON TABLE audit.closing_orphans TO motcua_app;
GRANT SELECT ON TABLE audit.closing_orphans TO motcua_pages;
GRANT SELECT ON TABLE audit.closing_orphans TO motcua_audit;

-- Name: TABLE closing_pushed; Type: ACL; Schema: motcua; Owner: -

GRANT SELECT,INSERT ON TABLE motcua.closing_pushed TO motcua_app;

-- Name: TABLE closing_pushed; Type: ACL; Schema: audit; Owner: -

GRANT SELECT ON TABLE audit.closing_pushed TO motcua_app;
GRANT SELECT ON TABLE audit.closing_pushed TO motcua_pages;
GRANT SELECT ON TABLE audit.closing_pushed TO motcua_audit;

-- Name: TABLE closing_reason_sums; Type: ACL; Schema: motcua; Owner: -

GRANT SELECT,INSERT ON TABLE motcua.closing_reason_sums TO motcua_app;

-- Name: TABLE closing_reasons; Type: ACL; Schema: motcua; Owner: -

GRANT SELECT,INSERT ON TABLE motcua.closing_reasons TO motcua_app;

-- Name: TABLE closing_reason_sums; Type: ACL; Schema: audit; Owner: -

GRANT SELECT ON TABLE audit.closing_reason_sums TO motcua_app;
GRANT SELECT ON TABLE audit.closing_reason_sums TO motcua_pages;
GRANT SELECT ON TABLE audit.closing_reason_sums TO motcua_audit;

-- Name: TABLE closing_reasons; Type: ACL; Schema: audit; Owner: -

GRANT SELECT ON TABLE audit.closing_reasons TO motcua_app;
GRANT SELECT ON TABLE audit.closing_reasons TO motcua_pages;
GRANT SELECT ON TABLE audit.closing_reasons TO motcua_audit;

-- Name: TABLE closing_stops; Type: ACL; Schema: motcua; Owner: -

GRANT SELECT,INSERT ON TABLE motcua.closing_stops TO motcua_app;

-- Name: TABLE closing_stops; Type: ACL; Schema: audit; Owner: -

GRANT SELECT ON TABLE audit.closing_stops TO motcua_app;
GRANT SELECT ON TABLE audit.closing_stops TO motcua_pages;
GRANT SELECT ON TABLE audit.closing_stops TO motcua_audit;

-- Name: TABLE closing_timings; Type: ACL; Schema: motcua; Owner: -

GRANT SELECT,INSERT ON TABLE motcua.closing_timings TO motcua_app;

-- Name: TABLE closing_timings; Type: ACL; Schema: audit; Owner: -

GRANT SELECT ON TABLE audit.closing_timings TO motcua_app;
GRANT SELECT ON TABLE audit.closing_timings TO motcua_pages;
GRANT SELECT ON TABLE audit.closing_timings TO motcua_audit;

-- Name: TABLE closings; Type: ACL; Schema: audit; Owner: -

GRANT SELECT ON TABLE audit.closings TO motcua_app;
GRANT SELECT ON TABLE audit.closings TO motcua_pages;
GRANT SELECT ON TABLE audit.closings TO motcua_audit;

-- Name: TABLE complaint_changes; Type: ACL; Schema: motcua; Owner: -

GRANT SELECT ON TABLE motcua.complaint_changes TO motcua_app;

-- Name: TABLE complaint_changes; Type: ACL; Schema: audit; Owner: -

GRANT SELECT ON TABLE audit.complaint_changes TO motcua_app;
GRANT SELECT ON TABLE audit.complaint_changes TO motcua_pages;
GRANT SELECT ON TABLE audit.complaint_changes TO motcua_audit;

-- Name: TABLE complaints; Type: ACL; Schema: motcua; Owner: -

GRANT SELECT,INSERT ON TABLE motcua.complaints TO motcua_app;
GRANT SELECT,INSERT ON TABLE motcua.complaints TO motcua_pages;
GRANT SELECT ON TABLE motcua.complaints TO motcua_eraser;

-- Name: COLUMN complaints.dossier_code; Type: ACL; Schema: motcua; Owner: -

GRANT UPDATE(dossier_code) ON TABLE motcua.complaints TO motcua_eraser;

-- Name: COLUMN complaints.dossier_id; Type: ACL; Schema: motcua; Owner: -

GRANT UPDATE(dossier_id) ON TABLE motcua.complaints TO motcua_app;
GRANT UPDATE(dossier_id) ON TABLE motcua.complaints TO motcua_pages;

-- Name: COLUMN complaints.message_id; Type: ACL; Schema: motcua; Owner: -

GRANT UPDATE(message_id) ON TABLE motcua.complaints TO motcua_app;
GRANT UPDATE(message_id) ON TABLE motcua.complaints TO motcua_pages;

-- Name: COLUMN complaints.note; Type: ACL; Schema: motcua; Owner: -

GRANT UPDATE(note) ON TABLE motcua.complaints TO motcua_app;
GRANT UPDATE(note) ON TABLE motcua.complaints TO motcua_eraser;

-- Name: COLUMN complaints.outcome; Type: ACL; Schema: motcua; Owner: -

GRANT UPDATE(outcome) ON TABLE motcua.complaints TO motcua_app;
GRANT UPDATE(outcome) ON TABLE motcua.complaints TO motcua_pages;

-- Name: COLUMN complaints.outcome_by; Type: ACL; Schema: motcua; Owner: -

GRANT UPDATE(outcome_by) ON TABLE motcua.complaints TO motcua_app;
GRANT UPDATE(outcome_by) ON TABLE motcua.complaints TO motcua_pages;

-- Name: COLUMN complaints.outcome_at; Type: ACL; Schema: motcua; Owner: -

GRANT UPDATE(outcome_at) ON TABLE motcua.complaints TO motcua_app;
GRANT UPDATE(outcome_at) ON TABLE motcua.complaints TO motcua_pages;

-- Name: COLUMN complaints.outcome_reason; Type: ACL; Schema: motcua; Owner: -

GRANT UPDATE(outcome_reason) ON TABLE motcua.complaints TO motcua_app;
GRANT UPDATE(outcome_reason) ON TABLE motcua.complaints TO motcua_pages;
GRANT UPDATE(outcome_reason) ON TABLE motcua.complaints TO motcua_eraser;

-- Name: COLUMN complaints.withdrawn_at; Type: ACL; Schema: motcua; Owner: -

GRANT UPDATE(withdrawn_at) ON TABLE motcua.complaints TO motcua_app;
GRANT UPDATE(withdrawn_at) ON TABLE motcua.complaints TO motcua_pages;

-- Name: COLUMN complaints.withdrawn_by; Type: ACL; Schema: motcua; Owner: -

GRANT UPDATE(withdrawn_by) ON TABLE motcua.complaints TO motcua_app;
GRANT UPDATE(withdrawn_by) ON TABLE motcua.complaints TO motcua_pages;

-- Name: COLUMN complaints.withdraw_reason; Type: ACL; Schema: motcua; Owner: -

GRANT UPDATE(withdraw_reason) ON TABLE motcua.complaints TO motcua_app;
GRANT UPDATE(withdraw_reason) ON TABLE motcua.complaints TO motcua_pages;
GRANT UPDATE(withdraw_reason) ON TABLE motcua.complaints TO motcua_eraser;

-- Name: COLUMN complaints.purged_at; Type: ACL; Schema: motcua; Owner: -

GRANT UPDATE(purged_at) ON TABLE motcua.complaints TO motcua_eraser;

-- Name: COLUMN complaints.erase_asked_at; Type: ACL; Schema: motcua; Owner: -

GRANT UPDATE(erase_asked_at) ON TABLE motcua.complaints TO motcua_eraser;

-- Name: TABLE complaints; Type: ACL; Schema: audit; Owner: -

GRANT SELECT ON TABLE audit.complaints TO motcua_app;
GRANT SELECT ON TABLE audit.complaints TO motcua_pages;
GRANT SELECT ON TABLE audit.complaints TO motcua_audit;

-- Name: TABLE dossier_versions; Type: ACL; Schema: motcua; Owner: -

GRANT SELECT,INSERT ON TABLE motcua.dossier_versions TO motcua_app;
GRANT SELECT ON TABLE motcua.dossier_versions TO motcua_pages;
GRANT SELECT ON TABLE motcua.dossier_versions TO motcua_eraser;

-- Name: COLUMN dossier_versions.version_id; Type: ACL; Schema: motcua; Owner: -

GRANT SELECT(version_id) ON TABLE motcua.dossier_versions TO motcua_callbacks;

-- Name: COLUMN dossier_versions.dossier_id; Type: ACL; Schema: motcua; Owner: -

GRANT SELECT(dossier_id) ON TABLE motcua.dossier_versions TO motcua_callbacks;

-- Name: COLUMN dossier_versions.seen_at; Type: ACL; Schema: motcua; Owner: -

GRANT SELECT(seen_at) ON TABLE motcua.dossier_versions TO motcua_callbacks;

-- Name: COLUMN dossier_versions.updated_at; Type: ACL; Schema: motcua; Owner: -

GRANT SELECT(updated_at) ON TABLE motcua.dossier_versions TO motcua_callbacks;

-- Name: COLUMN dossier_versions.applicant_phone; Type: ACL; Schema: motcua; Owner: -

GRANT UPDATE(applicant_phone) ON TABLE motcua.dossier_versions TO motcua_eraser;

-- Name: COLUMN dossier_versions.received_at; Type: ACL; Schema: motcua; Owner: -

GRANT SELECT(received_at) ON TABLE motcua.dossier_versions TO motcua_callbacks;

-- Name: COLUMN dossier_versions.due_at; Type: ACL; Schema: motcua; Owner: -

GRANT SELECT(due_at) ON TABLE motcua.dossier_versions TO motcua_callbacks;

-- Name: COLUMN dossier_versions.status_code; Type: ACL; Schema: motcua; Owner: -

GRANT SELECT(status_code) ON TABLE motcua.dossier_versions TO motcua_callbacks;

-- Name: COLUMN dossier_versions.returned_at; Type: ACL; Schema: motcua; Owner: -

GRANT SELECT(returned_at) ON TABLE motcua.dossier_versions TO motcua_callbacks;

-- Name: COLUMN dossier_versions.purged_at; Type: ACL; Schema: motcua; Owner: -

GRANT UPDATE(purged_at) ON TABLE motcua.dossier_versions TO motcua_eraser;

-- Name: TABLE dossier_versions; Type: ACL; Schema: audit; Owner: -

GRANT SELECT ON TABLE audit.dossier_versions TO motcua_app;
GRANT SELECT ON TABLE audit.dossier_versions TO motcua_pages;
GRANT SELECT ON TABLE audit.dossier_versions TO motcua_audit;

-- Name: TABLE dossiers; Type: ACL; Schema: motcua; Owner: -

GRANT SELECT,INSERT,UPDATE ON TABLE motcua.dossiers TO motcua_app;
GRANT SELECT ON TABLE motcua.dossiers TO motcua_pages;
GRANT SELECT ON TABLE motcua.dossiers TO motcua_eraser;

-- Name: COLUMN dossiers.dossier_id; Type: ACL; Schema: motcua; Owner: -

GRANT SELECT(dossier_id) ON TABLE motcua.dossiers TO motcua_callbacks;

-- Name: COLUMN dossiers.agency_code; Type: ACL; Schema: motcua; Owner: -

GRANT SELECT(agency_code) ON TABLE motcua.dossiers TO motcua_callbacks;

-- Name: COLUMN dossiers.procedure_code; Type: ACL; Schema: motcua; Owner: -

GRANT SELECT(procedure_code) ON TABLE motcua.dossiers TO motcua_callbacks;

-- Name: COLUMN dossiers.applicant_name; Type: ACL; Schema: motcua; Owner: -

GRANT UPDATE(applicant_name) ON TABLE motcua.dossiers TO motcua_eraser;

-- Name: COLUMN dossiers.applicant_phone; Type: ACL; Schema: motcua; Owner: -

GRANT UPDATE(applicant_phone) ON TABLE motcua.dossiers TO motcua_eraser;

-- Name: COLUMN dossiers.msisdn; Type: ACL; Schema: motcua; Owner: -

GRANT UPDATE(msisdn) ON TABLE motcua.dossiers TO motcua_eraser;

-- Name: COLUMN dossiers.purged_at; Type: ACL; Schema: motcua; Owner: -

GRANT UPDATE(purged_at) ON TABLE motcua.dossiers TO motcua_eraser;

-- Name: COLUMN dossiers.erase_asked_at; Type: ACL; Schema: motcua; Owner: -

GRANT UPDATE(erase_asked_at) ON TABLE motcua.dossiers TO motcua_eraser;

-- Name: TABLE dossiers; Type: ACL; Schema: audit; Owner: -

GRANT SELECT ON TABLE audit.dossiers TO motcua_app;
GRANT SELECT ON TABLE audit.dossiers TO motcua_pages;
GRANT SELECT ON TABLE audit.dossiers TO motcua_audit;

-- Name: TABLE finding_acknowledgements; Type: ACL; Schema: motcua; Owner: -

GRANT SELECT,INSERT ON TABLE motcua.finding_acknowledgements TO motcua_app;
GRANT SELECT,INSERT ON TABLE motcua.finding_acknowledgements TO motcua_pages;

-- Name: TABLE finding_acknowledgements; Type: ACL; Schema: audit; Owner: -

GRANT SELECT ON TABLE audit.finding_acknowledgements TO motcua_app;
GRANT SELECT ON TABLE audit.finding_acknowledgements TO motcua_pages;
GRANT SELECT ON TABLE audit.finding_acknowledgements TO motcua_audit;

-- Name: TABLE finding_episodes; Type: ACL; Schema: motcua; Owner: -

GRANT SELECT,INSERT,UPDATE ON TABLE motcua.finding_episodes TO motcua_app;
GRANT SELECT ON TABLE motcua.finding_episodes TO motcua_pages;

-- Name: TABLE finding_episodes; Type: ACL; Schema: audit; Owner: -

GRANT SELECT ON TABLE audit.finding_episodes TO motcua_app;
GRANT SELECT ON TABLE audit.finding_episodes TO motcua_pages;
GRANT SELECT ON TABLE audit.finding_episodes TO motcua_audit;

-- Name: TABLE finding_rechecks; Type: ACL; Schema: motcua; Owner: -

GRANT SELECT,INSERT ON TABLE motcua.finding_rechecks TO motcua_app;
GRANT SELECT,INSERT ON TABLE motcua.finding_rechecks TO motcua_pages;

-- Name: TABLE finding_rechecks; Type: ACL; Schema: audit; Owner: -

GRANT SELECT ON TABLE audit.finding_rechecks TO motcua_app;
GRANT SELECT ON TABLE audit.finding_rechecks TO motcua_pages;
GRANT SELECT ON TABLE audit.finding_rechecks TO motcua_audit;

-- Name: TABLE findings; Type: ACL; Schema: motcua; Owner: -

GRANT SELECT,INSERT,UPDATE ON TABLE motcua.findings TO motcua_app;
GRANT SELECT ON TABLE motcua.findings TO motcua_pages;

-- Name: TABLE findings; Type: ACL; Schema: audit; Owner: -

GRANT SELECT ON TABLE audit.findings TO motcua_app;
GRANT SELECT ON TABLE audit.findings TO motcua_pages;
GRANT SELECT ON TABLE audit.findings TO motcua_audit;

-- Name: TABLE gaps; Type: ACL; Schema: motcua; Owner: -

GRANT SELECT,INSERT,UPDATE ON TABLE motcua.gaps TO motcua_app;
GRANT SELECT ON TABLE motcua.gaps TO motcua_pages;

-- Name: COLUMN gaps.gap_no; Type: ACL; Schema: motcua; Owner: -

GRANT SELECT(gap_no) ON TABLE motcua.gaps TO motcua_callbacks;

-- Name: COLUMN gaps.kind; Type: ACL; Schema: motcua; Owner: -

GRANT SELECT(kind) ON TABLE motcua.gaps TO motcua_callbacks;

-- Name: COLUMN gaps.noticed_at; Type: ACL; Schema: motcua; Owner: -

GRANT SELECT(noticed_at) ON TABLE motcua.gaps TO motcua_callbacks;

-- Name: COLUMN gaps.ledger_until; Type: ACL; Schema: motcua; Owner: -

GRANT SELECT(ledger_until) ON TABLE motcua.gaps TO motcua_callbacks;

-- Name: COLUMN gaps.journal_until; Type: ACL; Schema: motcua; Owner: -

GRANT SELECT(journal_until) ON TABLE motcua.gaps TO motcua_callbacks;

-- Name: COLUMN gaps.lost_attempts; Type: ACL; Schema: motcua; Owner: -

GRANT SELECT(lost_attempts) ON TABLE motcua.gaps TO motcua_callbacks;

-- Name: COLUMN gaps.held_messages; Type: ACL; Schema: motcua; Owner: -

GRANT SELECT(held_messages) ON TABLE motcua.gaps TO motcua_callbacks;

-- Name: COLUMN gaps.closed_at; Type: ACL; Schema: motcua; Owner: -

GRANT SELECT(closed_at) ON TABLE motcua.gaps TO motcua_callbacks;

-- Name: COLUMN gaps.slept_since; Type: ACL; Schema: motcua; Owner: -

GRANT SELECT(slept_since) ON TABLE motcua.gaps TO motcua_callbacks;

-- Name: COLUMN gaps.held_until; Type: ACL; Schema: motcua; Owner: -

GRANT SELECT(held_until) ON TABLE motcua.gaps TO motcua_callbacks;

-- Name: TABLE gaps; Type: ACL; Schema: audit; Owner: -

GRANT SELECT ON TABLE audit.gaps TO motcua_app;
GRANT SELECT ON TABLE audit.gaps TO motcua_pages;
GRANT SELECT ON TABLE audit.gaps TO motcua_audit;

-- Name: TABLE gateway_changes; Type: ACL; Schema: motcua; Owner: -

GRANT SELECT,INSERT ON TABLE motcua.gateway_changes TO motcua_app;
GRANT SELECT ON TABLE motcua.gateway_changes TO motcua_pages;

-- Name: TABLE gateway_changes; Type: ACL; Schema: audit; Owner: -

GRANT SELECT ON TABLE audit.gateway_changes TO motcua_app;
GRANT SELECT ON TABLE audit.gateway_changes TO motcua_pages;
GRANT SELECT ON TABLE audit.gateway_changes TO motcua_audit;

-- Name: TABLE gateway_days; Type: ACL; Schema: motcua; Owner: -

GRANT SELECT,INSERT,UPDATE ON TABLE motcua.gateway_days TO motcua_app;
GRANT SELECT ON TABLE motcua.gateway_days TO motcua_pages;

-- Name: TABLE gateway_days; Type: ACL; Schema: audit; Owner: -

GRANT SELECT ON TABLE audit.gateway_days TO motcua_app;
GRANT SELECT ON TABLE audit.gateway_days TO motcua_pages;
GRANT SELECT ON TABLE audit.gateway_days TO motcua_audit;

-- Name: TABLE inquiries; Type: ACL; Schema: motcua; Owner: -

GRANT SELECT,INSERT ON TABLE motcua.inquiries TO motcua_app;
GRANT SELECT ON TABLE motcua.inquiries TO motcua_pages;
GRANT SELECT ON TABLE motcua.inquiries TO motcua_eraser;

-- Name: COLUMN inquiries.gateway_message_id; Type: ACL; Schema: motcua; Owner: -

GRANT UPDATE(gateway_message_id) ON TABLE motcua.inquiries TO motcua_eraser;

-- Name: COLUMN inquiries.dedupe_key; Type: ACL; Schema: motcua; Owner: -

GRANT UPDATE(dedupe_key) ON TABLE motcua.inquiries TO motcua_eraser;

-- Name: COLUMN inquiries.received_at; Type: ACL; Schema: motcua; Owner: -

GRANT SELECT(received_at) ON TABLE motcua.inquiries TO motcua_callbacks;

-- Name: COLUMN inquiries.msisdn; Type: ACL; Schema: motcua; Owner: -

GRANT UPDATE(msisdn) ON TABLE motcua.inquiries TO motcua_app;
GRANT UPDATE(msisdn) ON TABLE motcua.inquiries TO motcua_eraser;

-- Name: COLUMN inquiries.text; Type: ACL; Schema: motcua; Owner: -

GRANT UPDATE(text) ON TABLE motcua.inquiries TO motcua_app;
GRANT UPDATE(text) ON TABLE motcua.inquiries TO motcua_eraser;

-- Name: COLUMN inquiries.asked_code; Type: ACL; Schema: motcua; Owner: -

GRANT UPDATE(asked_code) ON TABLE motcua.inquiries TO motcua_app;
GRANT UPDATE(asked_code) ON TABLE motcua.inquiries TO motcua_eraser;

-- Name: COLUMN inquiries.dossier_id; Type: ACL; Schema: motcua; Owner: -

GRANT SELECT(dossier_id) ON TABLE motcua.inquiries TO motcua_callbacks;

-- Name: COLUMN inquiries.agency_code; Type: ACL; Schema: motcua; Owner: -

GRANT SELECT(agency_code) ON TABLE motcua.inquiries TO motcua_callbacks;

-- Name: COLUMN inquiries.purged_at; Type: ACL; Schema: motcua; Owner: -

GRANT UPDATE(purged_at) ON TABLE motcua.inquiries TO motcua_eraser;

-- Name: TABLE inquiries; Type: ACL; Schema: audit; Owner: -

GRANT SELECT ON TABLE audit.inquiries TO motcua_app;
GRANT SELECT ON TABLE audit.inquiries TO motcua_pages;
GRANT SELECT ON TABLE audit.inquiries TO motcua_audit;

-- Name: TABLE lost_attempts; Type: ACL; Schema: motcua; Owner: -

GRANT SELECT,INSERT,UPDATE ON TABLE motcua.lost_attempts TO motcua_app;
GRANT SELECT ON TABLE motcua.lost_attempts TO motcua_pages;

-- Name: TABLE lost_attempts; Type: ACL; Schema: audit; Owner: -

GRANT SELECT ON TABLE audit.lost_attempts TO motcua_app;
GRANT SELECT ON TABLE audit.lost_attempts TO motcua_pages;
GRANT SELECT ON TABLE audit.lost_attempts TO motcua_audit;

-- Name: TABLE message_history; Type: ACL; Schema: motcua; Owner: -

GRANT SELECT ON TABLE motcua.message_history TO motcua_app;
GRANT SELECT ON TABLE motcua.message_history TO motcua_pages;

-- Name: COLUMN message_history.message_id; Type: ACL; Schema: motcua; Owner: -

GRANT SELECT(message_id) ON TABLE motcua.message_history TO motcua_callbacks;

-- Name: COLUMN message_history.to_state; Type: ACL; Schema: motcua; Owner: -

GRANT SELECT(to_state) ON TABLE motcua.message_history TO motcua_callbacks;

-- Name: TABLE message_history; Type: ACL; Schema: audit; Owner: -

GRANT SELECT ON TABLE audit.message_history TO motcua_app;
GRANT SELECT ON TABLE audit.message_history TO motcua_pages;
GRANT SELECT ON TABLE audit.message_history TO motcua_audit;

-- Name: TABLE messages; Type: ACL; Schema: motcua; Owner: -

GRANT SELECT,INSERT,UPDATE ON TABLE motcua.messages TO motcua_app;
GRANT SELECT ON TABLE motcua.messages TO motcua_pages;
GRANT SELECT ON TABLE motcua.messages TO motcua_eraser;

-- Name: COLUMN messages.message_id; Type: ACL; Schema: motcua; Owner: -

GRANT SELECT(message_id) ON TABLE motcua.messages TO motcua_callbacks;

-- Name: COLUMN messages.kind; Type: ACL; Schema: motcua; Owner: -

GRANT SELECT(kind) ON TABLE motcua.messages TO motcua_callbacks;

-- Name: COLUMN messages.dossier_id; Type: ACL; Schema: motcua; Owner: -

GRANT SELECT(dossier_id) ON TABLE motcua.messages TO motcua_callbacks;

-- Name: COLUMN messages.agency_code; Type: ACL; Schema: motcua; Owner: -

GRANT SELECT(agency_code) ON TABLE motcua.messages TO motcua_callbacks;

-- Name: COLUMN messages.transition_id; Type: ACL; Schema: motcua; Owner: -

GRANT SELECT(transition_id) ON TABLE motcua.messages TO motcua_callbacks;

-- Name: COLUMN messages.state; Type: ACL; Schema: motcua; Owner: -

GRANT SELECT(state) ON TABLE motcua.messages TO motcua_callbacks;

-- Name: COLUMN messages.msisdn; Type: ACL; Schema: motcua; Owner: -

GRANT UPDATE(msisdn) ON TABLE motcua.messages TO motcua_eraser;

-- Name: COLUMN messages.text; Type: ACL; Schema: motcua; Owner: -

GRANT UPDATE(text) ON TABLE motcua.messages TO motcua_eraser;

-- Name: COLUMN messages.parameters; Type: ACL; Schema: motcua; Owner: -

GRANT UPDATE(parameters) ON TABLE motcua.messages TO motcua_eraser;

-- Name: COLUMN messages.recorded_at; Type: ACL; Schema: motcua; Owner: -

GRANT SELECT(recorded_at) ON TABLE motcua.messages TO motcua_callbacks;

-- Name: COLUMN messages.planned_at; Type: ACL; Schema: motcua; Owner: -

GRANT SELECT(planned_at) ON TABLE motcua.messages TO motcua_callbacks;

-- Name: COLUMN messages.next_attempt_at; Type: ACL; Schema: motcua; Owner: -

GRANT SELECT(next_attempt_at) ON TABLE motcua.messages TO motcua_callbacks;

-- Name: COLUMN messages.attempts_made; Type: ACL; Schema: motcua; Owner: -

GRANT SELECT(attempts_made) ON TABLE motcua.messages TO motcua_callbacks;

-- Name: COLUMN messages.accepted_at; Type: ACL; Schema: motcua; Owner: -

GRANT SELECT(accepted_at) ON TABLE motcua.messages TO motcua_callbacks;

-- Name: COLUMN messages.purged_at; Type: ACL; Schema: motcua; Owner: -

GRANT UPDATE(purged_at) ON TABLE motcua.messages TO motcua_eraser;

-- Name: TABLE messages; Type: ACL; Schema: audit; Owner: -

GRANT SELECT ON TABLE audit.messages TO motcua_app;
GRANT SELECT ON TABLE audit.messages TO motcua_pages;
GRANT SELECT ON TABLE audit.messages TO motcua_audit;

-- Name: TABLE office_hours; Type: ACL; Schema: motcua; Owner: -

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE motcua.office_hours TO motcua_app;
GRANT SELECT ON TABLE motcua.office_hours TO motcua_pages;

-- Name: TABLE office_hours; Type: ACL; Schema: audit; Owner: -

GRANT SELECT ON TABLE audit.office_hours TO motcua_app;
GRANT SELECT ON TABLE audit.office_hours TO motcua_pages;
GRANT SELECT ON TABLE audit.office_hours TO motcua_audit;

-- Name: TABLE old_steps; Type: ACL; Schema: motcua; Owner: -

GRANT SELECT,INSERT,UPDATE ON TABLE motcua.old_steps TO motcua_app;
GRANT SELECT ON TABLE motcua.old_steps TO motcua_pages;

-- Name: COLUMN old_steps.transition_id; Type: ACL; Schema: motcua; Owner: -

GRANT SELECT(transition_id) ON TABLE motcua.old_steps TO motcua_callbacks;

-- Name: COLUMN old_steps.known_from; Type: ACL; Schema: motcua; Owner: -

GRANT SELECT(known_from) ON TABLE motcua.old_steps TO motcua_callbacks;

-- Name: COLUMN old_steps.version_id; Type: ACL; Schema: motcua; Owner: -

GRANT SELECT(version_id) ON TABLE motcua.old_steps TO motcua_callbacks;

-- Name: COLUMN old_steps.has_force; Type: ACL; Schema: motcua; Owner: -

GRANT SELECT(has_force) ON TABLE motcua.old_steps TO motcua_callbacks;

-- Name: TABLE old_steps; Type: ACL; Schema: audit; Owner: -

GRANT SELECT ON TABLE audit.old_steps TO motcua_app;
GRANT SELECT ON TABLE audit.old_steps TO motcua_pages;
GRANT SELECT ON TABLE audit.old_steps TO motcua_audit;

-- Name: TABLE page_requests; Type: ACL; Schema: motcua; Owner: -

GRANT SELECT ON TABLE motcua.page_requests TO motcua_app;
GRANT SELECT ON TABLE motcua.page_requests TO motcua_pages;

-- Name: COLUMN page_requests.told_at; Type: ACL; Schema: motcua; Owner: -

GRANT UPDATE(told_at) ON TABLE motcua.page_requests TO motcua_app;

-- Name: COLUMN page_requests.applies_at; Type: ACL; Schema: motcua; Owner: -

GRANT UPDATE(applies_at) ON TABLE motcua.page_requests TO motcua_app;

-- Name: COLUMN page_requests.told; Type: ACL; Schema: motcua; Owner: -

GRANT UPDATE(told) ON TABLE motcua.page_requests TO motcua_app;

-- Name: COLUMN page_requests.untold_because; Type: ACL; Schema: motcua; Owner: -

GRANT UPDATE(untold_because) ON TABLE motcua.page_requests TO motcua_app;

-- Name: TABLE page_requests; Type: ACL; Schema: audit; Owner: -

GRANT SELECT ON TABLE audit.page_requests TO motcua_app;
GRANT SELECT ON TABLE audit.page_requests TO motcua_pages;
GRANT SELECT ON TABLE audit.page_requests TO motcua_audit;

-- Name: TABLE personal_data_purges; Type: ACL; Schema: motcua; Owner: -

GRANT SELECT ON TABLE motcua.personal_data_purges TO motcua_app;
GRANT SELECT ON TABLE motcua.personal_data_purges TO motcua_pages;
GRANT INSERT ON TABLE motcua.personal_data_purges TO motcua_eraser;

-- Name: TABLE personal_data_purges; Type: ACL; Schema: audit; Owner: -

GRANT SELECT ON TABLE audit.personal_data_purges TO motcua_app;
GRANT SELECT ON TABLE audit.personal_data_purges TO motcua_pages;
GRANT SELECT ON TABLE audit.personal_data_purges TO motcua_audit;

-- Name: TABLE personal_data_requests; Type: ACL; Schema: motcua; Owner: -

GRANT SELECT,INSERT ON TABLE motcua.personal_data_requests TO motcua_app;

-- Name: TABLE personal_data_requests; Type: ACL; Schema: audit; Owner: -

GRANT SELECT ON TABLE audit.personal_data_requests TO motcua_audit;

-- Name: TABLE phone_searches; Type: ACL; Schema: motcua; Owner: -

GRANT SELECT,INSERT ON TABLE motcua.phone_searches TO motcua_app;
GRANT INSERT ON TABLE motcua.phone_searches TO motcua_pages;

-- Name: TABLE phone_searches; Type: ACL; Schema: audit; Owner: -

GRANT SELECT ON TABLE audit.phone_searches TO motcua_audit;

-- Name: TABLE portal_figures; Type: ACL; Schema: motcua; Owner: -

GRANT SELECT,INSERT ON TABLE motcua.portal_figures TO motcua_app;

-- Name: TABLE portal_figures; Type: ACL; Schema: audit; Owner: -

GRANT SELECT ON TABLE audit.portal_figures TO motcua_app;
GRANT SELECT ON TABLE audit.portal_figures TO motcua_pages;
GRANT SELECT ON TABLE audit.portal_figures TO motcua_audit;

-- Name: TABLE publication_verifications; Type: ACL; Schema: motcua; Owner: -

GRANT SELECT,INSERT ON TABLE motcua.publication_verifications TO motcua_app;

-- Name: TABLE publication_verifications; Type: ACL; Schema: audit; Owner: -

GRANT SELECT ON TABLE audit.publication_verifications TO motcua_app;
GRANT SELECT ON TABLE audit.publication_verifications TO motcua_pages;
GRANT SELECT ON TABLE audit.publication_verifications TO motcua_audit;

-- Name: TABLE publications; Type: ACL; Schema: motcua; Owner: -

GRANT SELECT,INSERT ON TABLE motcua.publications TO motcua_app;
GRANT SELECT ON TABLE motcua.publications TO motcua_pages;

-- Name: TABLE publications; Type: ACL; Schema: audit; Owner: -

GRANT SELECT ON TABLE audit.publications TO motcua_app;
GRANT SELECT ON TABLE audit.publications TO motcua_pages;
GRANT SELECT ON TABLE audit.publications TO motcua_audit;

-- Name: TABLE quality_agencies; Type: ACL; Schema: motcua; Owner: -

GRANT SELECT,INSERT ON TABLE motcua.quality_agencies TO motcua_app;
GRANT SELECT ON TABLE motcua.quality_agencies TO motcua_pages;

-- Name: TABLE quality_agencies; Type: ACL; Schema: audit; Owner: -

GRANT SELECT ON TABLE audit.quality_agencies TO motcua_app;
GRANT SELECT ON TABLE audit.quality_agencies TO motcua_pages;
GRANT SELECT ON TABLE audit.quality_agencies TO motcua_audit;

-- Name: TABLE quality_broken_agencies; Type: ACL; Schema: motcua; Owner: -

GRANT SELECT,INSERT ON TABLE motcua.quality_broken_agencies TO motcua_app;
GRANT SELECT ON TABLE motcua.quality_broken_agencies TO motcua_pages;

-- Name: TABLE quality_broken_agencies; Type: ACL; Schema: audit; Owner: -

GRANT SELECT ON TABLE audit.quality_broken_agencies TO motcua_app;
GRANT SELECT ON TABLE audit.quality_broken_agencies TO motcua_pages;
GRANT SELECT ON TABLE audit.quality_broken_agencies TO motcua_audit;

-- Name: TABLE quality_counts; Type: ACL; Schema: motcua; Owner: -

GRANT SELECT,INSERT ON TABLE motcua.quality_counts TO motcua_app;
GRANT SELECT ON TABLE motcua.quality_counts TO motcua_pages;

-- Name: TABLE quality_counts; Type: ACL; Schema: audit; Owner: -

GRANT SELECT ON TABLE audit.quality_counts TO motcua_app;
GRANT SELECT ON TABLE audit.quality_counts TO motcua_pages;
GRANT SELECT ON TABLE audit.quality_counts TO motcua_audit;

-- Name: TABLE quality_results; Type: ACL; Schema: motcua; Owner: -

GRANT SELECT,INSERT ON TABLE motcua.quality_results TO motcua_app;
GRANT SELECT ON TABLE motcua.quality_results TO motcua_pages;

-- Name: TABLE quality_results; Type: ACL; Schema: audit; Owner: -

GRANT SELECT ON TABLE audit.quality_results TO motcua_app;
GRANT SELECT ON TABLE audit.quality_results TO motcua_pages;
GRANT SELECT ON TABLE audit.quality_results TO motcua_audit;

-- Name: TABLE quality_runs; Type: ACL; Schema: motcua; Owner: -

GRANT SELECT,INSERT,UPDATE ON TABLE motcua.quality_runs TO motcua_app;
GRANT SELECT ON TABLE motcua.quality_runs TO motcua_pages;

-- Name: TABLE quality_runs; Type: ACL; Schema: audit; Owner: -

GRANT SELECT ON TABLE audit.quality_runs TO motcua_app;
GRANT SELECT ON TABLE audit.quality_runs TO motcua_pages;
GRANT SELECT ON TABLE audit.quality_runs TO motcua_audit;

-- Name: TABLE quality_shares; Type: ACL; Schema: motcua; Owner: -

GRANT SELECT,INSERT ON TABLE motcua.quality_shares TO motcua_app;
GRANT SELECT ON TABLE motcua.quality_shares TO motcua_pages;

-- Name: TABLE quality_shares; Type: ACL; Schema: audit; Owner: -

GRANT SELECT ON TABLE audit.quality_shares TO motcua_app;
GRANT SELECT ON TABLE audit.quality_shares TO motcua_pages;
GRANT SELECT ON TABLE audit.quality_shares TO motcua_audit;

-- Name: TABLE quality_sources; Type: ACL; Schema: motcua; Owner: -

GRANT SELECT,INSERT ON TABLE motcua.quality_sources TO motcua_app;
GRANT SELECT ON TABLE motcua.quality_sources TO motcua_pages;

-- Name: TABLE quality_sources; Type: ACL; Schema: audit; Owner: -

GRANT SELECT ON TABLE audit.quality_sources TO motcua_app;
GRANT SELECT ON TABLE audit.quality_sources TO motcua_pages;
GRANT SELECT ON TABLE audit.quality_sources TO motcua_audit;

-- Name: TABLE quality_suggestions; Type: ACL; Schema: motcua; Owner: -

GRANT SELECT,INSERT ON TABLE motcua.quality_suggestions TO motcua_app;
GRANT SELECT ON TABLE motcua.quality_suggestions TO motcua_pages;

-- Name: TABLE quality_suggestions; Type: ACL; Schema: audit; Owner: -

GRANT SELECT ON TABLE audit.quality_suggestions TO motcua_app;
GRANT SELECT ON TABLE audit.quality_suggestions TO motcua_pages;
GRANT SELECT ON TABLE audit.quality_suggestions TO motcua_audit;

-- Name: TABLE quality_withheld; Type: ACL; Schema: motcua; Owner: -

GRANT SELECT,INSERT ON TABLE motcua.quality_withheld TO motcua_app;
GRANT SELECT ON TABLE motcua.quality_withheld TO motcua_pages;

-- Name: TABLE quality_withheld; Type: ACL; Schema: audit; Owner: -

GRANT SELECT ON TABLE audit.quality_withheld TO motcua_app;
GRANT SELECT ON TABLE audit.quality_withheld TO motcua_pages;
GRANT SELECT ON TABLE audit.quality_withheld TO motcua_audit;

-- Name: TABLE quarantine; Type: ACL; Schema: motcua; Owner: -

GRANT SELECT,INSERT,UPDATE ON TABLE motcua.quarantine TO motcua_app;
GRANT SELECT ON TABLE motcua.quarantine TO motcua_pages;
GRANT SELECT ON TABLE motcua.quarantine TO motcua_eraser;

-- Name: COLUMN quarantine.source_id; Type: ACL; Schema: motcua; Owner: -

GRANT SELECT(source_id) ON TABLE motcua.quarantine TO motcua_callbacks;

-- Name: COLUMN quarantine.row_kind; Type: ACL; Schema: motcua; Owner: -

GRANT SELECT(row_kind) ON TABLE motcua.quarantine TO motcua_callbacks;

-- Name: COLUMN quarantine.row_key; Type: ACL; Schema: motcua; Owner: -

GRANT SELECT(row_key) ON TABLE motcua.quarantine TO motcua_callbacks;

-- Name: COLUMN quarantine.dossier_code; Type: ACL; Schema: motcua; Owner: -

GRANT UPDATE(dossier_code) ON TABLE motcua.quarantine TO motcua_eraser;

-- Name: COLUMN quarantine.payload; Type: ACL; Schema: motcua; Owner: -

GRANT UPDATE(payload) ON TABLE motcua.quarantine TO motcua_eraser;

-- Name: COLUMN quarantine.purged_at; Type: ACL; Schema: motcua; Owner: -

GRANT UPDATE(purged_at) ON TABLE motcua.quarantine TO motcua_eraser;

-- Name: TABLE quarantine; Type: ACL; Schema: audit; Owner: -

GRANT SELECT ON TABLE audit.quarantine TO motcua_app;
GRANT SELECT ON TABLE audit.quarantine TO motcua_pages;
GRANT SELECT ON TABLE audit.quarantine TO motcua_audit;

-- Name: TABLE receipt_readings; Type: ACL; Schema: motcua; Owner: -

GRANT SELECT,INSERT ON TABLE motcua.receipt_readings TO motcua_app;
GRANT SELECT ON TABLE motcua.receipt_readings TO motcua_pages;

-- Name: TABLE receipts; Type: ACL; Schema: motcua; Owner: -

GRANT SELECT,INSERT ON TABLE motcua.receipts TO motcua_app;
GRANT SELECT ON TABLE motcua.receipts TO motcua_pages;
GRANT SELECT ON TABLE motcua.receipts TO motcua_eraser;

-- Name: COLUMN receipts.receipt_id; Type: ACL; Schema: motcua; Owner: -

GRANT SELECT(receipt_id) ON TABLE motcua.receipts TO motcua_callbacks;

-- Name: COLUMN receipts.gateway; Type: ACL; Schema: motcua; Owner: -

GRANT INSERT(gateway) ON TABLE motcua.receipts TO motcua_callbacks;

-- Name: COLUMN receipts.received_at; Type: ACL; Schema: motcua; Owner: -

GRANT SELECT(received_at) ON TABLE motcua.receipts TO motcua_callbacks;

-- Name: COLUMN receipts.reference; Type: ACL; Schema: motcua; Owner: -

GRANT INSERT(reference) ON TABLE motcua.receipts TO motcua_callbacks;

-- Name: COLUMN receipts.gateway_status; Type: ACL; Schema: motcua; Owner: -

GRANT INSERT(gateway_status) ON TABLE motcua.receipts TO motcua_callbacks;

-- Name: COLUMN receipts.raw; Type: ACL; Schema: motcua; Owner: -

GRANT INSERT(raw) ON TABLE motcua.receipts TO motcua_callbacks;
GRANT UPDATE(raw) ON TABLE motcua.receipts TO motcua_eraser;

-- Name: COLUMN receipts.purged_at; Type: ACL; Schema: motcua; Owner: -

GRANT UPDATE(purged_at) ON TABLE motcua.receipts TO motcua_eraser;

-- Name: TABLE receipts; Type: ACL; Schema: audit; Owner: -

GRANT SELECT ON TABLE audit.receipts TO motcua_app;
GRANT SELECT ON TABLE audit.receipts TO motcua_pages;
GRANT SELECT ON TABLE audit.receipts TO motcua_audit;

-- Name: TABLE refused_statements; Type: ACL; Schema: motcua; Owner: -

GRANT SELECT,INSERT ON TABLE motcua.refused_statements TO motcua_app;
GRANT SELECT,INSERT ON TABLE motcua.refused_statements TO motcua_pages;

-- Name: COLUMN refused_statements.set_aside_at; Type: ACL; Schema: motcua; Owner: -

GRANT UPDATE(set_aside_at) ON TABLE motcua.refused_statements TO motcua_app;
GRANT UPDATE(set_aside_at) ON TABLE motcua.refused_statements TO motcua_pages;

-- Name: COLUMN refused_statements.set_aside_by; Type: ACL; Schema: motcua; Owner: -

GRANT UPDATE(set_aside_by) ON TABLE motcua.refused_statements TO motcua_app;
GRANT UPDATE(set_aside_by) ON TABLE motcua.refused_statements TO motcua_pages;

-- Name: COLUMN refused_statements.set_aside_reason; Type: ACL; Schema: motcua; Owner: -

GRANT UPDATE(set_aside_reason) ON TABLE motcua.refused_statements TO motcua_app;
GRANT UPDATE(set_aside_reason) ON TABLE motcua.refused_statements TO motcua_pages;

-- Name: TABLE refused_statements; Type: ACL; Schema: audit; Owner: -

GRANT SELECT ON TABLE audit.refused_statements TO motcua_app;
GRANT SELECT ON TABLE audit.refused_statements TO motcua_pages;
GRANT SELECT ON TABLE audit.refused_statements TO motcua_audit;

-- Name: TABLE releases; Type: ACL; Schema: motcua; Owner: -

GRANT SELECT,INSERT ON TABLE motcua.releases TO motcua_app;
GRANT SELECT ON TABLE motcua.releases TO motcua_pages;

-- Name: TABLE releases; Type: ACL; Schema: audit; Owner: -

GRANT SELECT ON TABLE audit.releases TO motcua_app;
GRANT SELECT ON TABLE audit.releases TO motcua_pages;
GRANT SELECT ON TABLE audit.releases TO motcua_audit;

-- Name: TABLE report_mails; Type: ACL; Schema: motcua; Owner: -

GRANT SELECT,INSERT,UPDATE ON TABLE motcua.report_mails TO motcua_app;
GRANT SELECT ON TABLE motcua.report_mails TO motcua_pages;

-- Name: TABLE report_mails; Type: ACL; Schema: audit; Owner: -

GRANT SELECT ON TABLE audit.report_mails TO motcua_app;
GRANT SELECT ON TABLE audit.report_mails TO motcua_pages;
GRANT SELECT ON TABLE audit.report_mails TO motcua_audit;

-- Name: TABLE rule_dates; Type: ACL; Schema: motcua; Owner: -

GRANT SELECT ON TABLE motcua.rule_dates TO motcua_app;

-- Name: TABLE rule_dates; Type: ACL; Schema: audit; Owner: -

GRANT SELECT ON TABLE audit.rule_dates TO motcua_app;
GRANT SELECT ON TABLE audit.rule_dates TO motcua_pages;
GRANT SELECT ON TABLE audit.rule_dates TO motcua_audit;

-- Name: TABLE sources; Type: ACL; Schema: motcua; Owner: -

GRANT SELECT,INSERT,UPDATE ON TABLE motcua.sources TO motcua_app;
GRANT SELECT ON TABLE motcua.sources TO motcua_pages;

-- Name: COLUMN sources.name; Type: ACL; Schema: motcua; Owner: -

GRANT SELECT(name) ON TABLE motcua.sources TO motcua_callbacks;

-- Name: COLUMN sources.picked_up_at; Type: ACL; Schema: motcua; Owner: -

GRANT SELECT(picked_up_at) ON TABLE motcua.sources TO motcua_callbacks;

-- Name: COLUMN sources.failed_at; Type: ACL; Schema: motcua; Owner: -

GRANT SELECT(failed_at) ON TABLE motcua.sources TO motcua_callbacks;

-- Name: TABLE sources; Type: ACL; Schema: audit; Owner: -

GRANT SELECT ON TABLE audit.sources TO motcua_app;
GRANT SELECT ON TABLE audit.sources TO motcua_pages;
GRANT SELECT ON TABLE audit.sources TO motcua_audit;

-- Name: TABLE statement_difference_sums; Type: ACL; Schema: motcua; Owner: -

GRANT SELECT,INSERT ON TABLE motcua.statement_difference_sums TO motcua_app;

-- Name: TABLE statement_matches; Type: ACL; Schema: motcua; Owner: -

GRANT SELECT,INSERT ON TABLE motcua.statement_matches TO motcua_app;

-- Name: TABLE statement_sums; Type: ACL; Schema: motcua; Owner: -

GRANT SELECT,INSERT ON TABLE motcua.statement_sums TO motcua_app;

-- Name: TABLE statement_difference_sums; Type: ACL; Schema: audit; Owner: -

GRANT SELECT ON TABLE audit.statement_difference_sums TO motcua_app;
GRANT SELECT ON TABLE audit.statement_difference_sums TO motcua_pages;
GRANT SELECT ON TABLE audit.statement_difference_sums TO motcua_audit;

-- Name: TABLE statement_lines; Type: ACL; Schema: motcua; Owner: -

GRANT SELECT,INSERT ON TABLE motcua.statement_lines TO motcua_app;

-- Name: TABLE statement_lines; Type: ACL; Schema: audit; Owner: -

GRANT SELECT ON TABLE audit.statement_lines TO motcua_app;
GRANT SELECT ON TABLE audit.statement_lines TO motcua_pages;
GRANT SELECT ON TABLE audit.statement_lines TO motcua_audit;

-- Name: TABLE statement_matches; Type: ACL; Schema: audit; Owner: -

GRANT SELECT ON TABLE audit.statement_matches TO motcua_app;
GRANT SELECT ON TABLE audit.statement_matches TO motcua_pages;
GRANT SELECT ON TABLE audit.statement_matches TO motcua_audit;

-- Name: TABLE statement_sums; Type: ACL; Schema: audit; Owner: -

GRANT SELECT ON TABLE audit.statement_sums TO motcua_app;
GRANT SELECT ON TABLE audit.statement_sums TO motcua_pages;
GRANT SELECT ON TABLE audit.statement_sums TO motcua_audit;

-- Name: TABLE status_map_changes; Type: ACL; Schema: motcua; Owner: -

GRANT SELECT ON TABLE motcua.status_map_changes TO motcua_app;
GRANT SELECT ON TABLE motcua.status_map_changes TO motcua_pages;

-- Name: TABLE status_map_changes; Type: ACL; Schema: audit; Owner: -

GRANT SELECT ON TABLE audit.status_map_changes TO motcua_app;
GRANT SELECT ON TABLE audit.status_map_changes TO motcua_pages;
GRANT SELECT ON TABLE audit.status_map_changes TO motcua_audit;

-- Name: TABLE stops; Type: ACL; Schema: motcua; Owner: -

GRANT SELECT,INSERT ON TABLE motcua.stops TO motcua_app;
GRANT SELECT ON TABLE motcua.stops TO motcua_pages;

-- Name: COLUMN stops.kind; Type: ACL; Schema: motcua; Owner: -

GRANT SELECT(kind) ON TABLE motcua.stops TO motcua_callbacks;

-- Name: COLUMN stops.agency_code; Type: ACL; Schema: motcua; Owner: -

GRANT SELECT(agency_code) ON TABLE motcua.stops TO motcua_callbacks;

-- Name: COLUMN stops.until; Type: ACL; Schema: motcua; Owner: -

GRANT SELECT(until) ON TABLE motcua.stops TO motcua_callbacks;

-- Name: COLUMN stops.ended_at; Type: ACL; Schema: motcua; Owner: -

GRANT UPDATE(ended_at) ON TABLE motcua.stops TO motcua_app;
GRANT SELECT(ended_at) ON TABLE motcua.stops TO motcua_callbacks;

-- Name: COLUMN stops.ended_by; Type: ACL; Schema: motcua; Owner: -

GRANT UPDATE(ended_by) ON TABLE motcua.stops TO motcua_app;

-- Name: TABLE stops; Type: ACL; Schema: audit; Owner: -

GRANT SELECT ON TABLE audit.stops TO motcua_app;
GRANT SELECT ON TABLE audit.stops TO motcua_pages;
GRANT SELECT ON TABLE audit.stops TO motcua_audit;

-- Name: TABLE template_registration_changes; Type: ACL; Schema: motcua; Owner: -

GRANT SELECT,INSERT ON TABLE motcua.template_registration_changes TO motcua_app;

-- Name: TABLE template_registration_changes; Type: ACL; Schema: audit; Owner: -

GRANT SELECT ON TABLE audit.template_registration_changes TO motcua_app;
GRANT SELECT ON TABLE audit.template_registration_changes TO motcua_pages;
GRANT SELECT ON TABLE audit.template_registration_changes TO motcua_audit;

-- Name: TABLE template_registrations; Type: ACL; Schema: motcua; Owner: -

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE motcua.template_registrations TO motcua_app;

-- Name: TABLE template_registrations; Type: ACL; Schema: audit; Owner: -

GRANT SELECT ON TABLE audit.template_registrations TO motcua_app;
GRANT SELECT ON TABLE audit.template_registrations TO motcua_pages;
GRANT SELECT ON TABLE audit.template_registrations TO motcua_audit;

-- Name: TABLE transitions; Type: ACL; Schema: motcua; Owner: -

GRANT SELECT,INSERT,UPDATE ON TABLE motcua.transitions TO motcua_app;
GRANT SELECT ON TABLE motcua.transitions TO motcua_pages;
GRANT SELECT ON TABLE motcua.transitions TO motcua_eraser;

-- Name: COLUMN transitions.transition_id; Type: ACL; Schema: motcua; Owner: -

GRANT SELECT(transition_id) ON TABLE motcua.transitions TO motcua_callbacks;

-- Name: COLUMN transitions.source_id; Type: ACL; Schema: motcua; Owner: -

GRANT SELECT(source_id) ON TABLE motcua.transitions TO motcua_callbacks;

-- Name: COLUMN transitions.source_transition_id; Type: ACL; Schema: motcua; Owner: -

GRANT SELECT(source_transition_id) ON TABLE motcua.transitions TO motcua_callbacks;

-- Name: COLUMN transitions.dossier_id; Type: ACL; Schema: motcua; Owner: -

GRANT SELECT(dossier_id) ON TABLE motcua.transitions TO motcua_callbacks;

-- Name: COLUMN transitions.sequence; Type: ACL; Schema: motcua; Owner: -

GRANT SELECT(sequence) ON TABLE motcua.transitions TO motcua_callbacks;

-- Name: COLUMN transitions.from_row; Type: ACL; Schema: motcua; Owner: -

GRANT SELECT(from_row) ON TABLE motcua.transitions TO motcua_callbacks;

-- Name: COLUMN transitions.status_code; Type: ACL; Schema: motcua; Owner: -

GRANT SELECT(status_code) ON TABLE motcua.transitions TO motcua_callbacks;

-- Name: COLUMN transitions.at_one_stop_desk; Type: ACL; Schema: motcua; Owner: -

GRANT SELECT(at_one_stop_desk) ON TABLE motcua.transitions TO motcua_callbacks;

-- Name: COLUMN transitions.occurred_at; Type: ACL; Schema: motcua; Owner: -

GRANT SELECT(occurred_at) ON TABLE motcua.transitions TO motcua_callbacks;

-- Name: COLUMN transitions.recorded_at; Type: ACL; Schema: motcua; Owner: -

GRANT SELECT(recorded_at) ON TABLE motcua.transitions TO motcua_callbacks;

-- Name: COLUMN transitions.actor; Type: ACL; Schema: motcua; Owner: -

GRANT UPDATE(actor) ON TABLE motcua.transitions TO motcua_eraser;

-- Name: COLUMN transitions.note; Type: ACL; Schema: motcua; Owner: -

GRANT UPDATE(note) ON TABLE motcua.transitions TO motcua_eraser;

-- Name: COLUMN transitions.planned_at; Type: ACL; Schema: motcua; Owner: -

GRANT SELECT(planned_at) ON TABLE motcua.transitions TO motcua_callbacks;

-- Name: COLUMN transitions.outcome; Type: ACL; Schema: motcua; Owner: -

GRANT SELECT(outcome) ON TABLE motcua.transitions TO motcua_callbacks;

-- Name: TABLE transitions; Type: ACL; Schema: audit; Owner: -

GRANT SELECT ON TABLE audit.transitions TO motcua_app;
GRANT SELECT ON TABLE audit.transitions TO motcua_pages;
GRANT SELECT ON TABLE audit.transitions TO motcua_audit;

-- Name: TABLE user_agency_changes; Type: ACL; Schema: motcua; Owner: -

GRANT SELECT,INSERT ON TABLE motcua.user_agency_changes TO motcua_app;
GRANT SELECT,INSERT ON TABLE motcua.user_agency_changes TO motcua_pages;

-- Name: TABLE user_agency_changes; Type: ACL; Schema: audit; Owner: -

GRANT SELECT ON TABLE audit.user_agency_changes TO motcua_audit;

-- Name: TABLE client_agencies; Type: ACL; Schema: intake; Owner: -

GRANT SELECT,INSERT,DELETE ON TABLE intake.client_agencies TO motcua_app;
GRANT SELECT ON TABLE intake.client_agencies TO motcua_pages;

-- Name: TABLE client_changes; Type: ACL; Schema: intake; Owner: -

GRANT SELECT,INSERT ON TABLE intake.client_changes TO motcua_app;

-- Name: COLUMN client_changes.client_id; Type: ACL; Schema: intake; Owner: -

GRANT SELECT(client_id) ON TABLE intake.client_changes TO motcua_pages;

-- Name: COLUMN client_changes.agencies; Type: ACL; Schema: intake; Owner: -

GRANT SELECT(agencies) ON TABLE intake.client_changes TO motcua_pages;

-- Name: TABLE client_days; Type: ACL; Schema: intake; Owner: -

GRANT SELECT ON TABLE intake.client_days TO motcua_app;
GRANT SELECT ON TABLE intake.client_days TO motcua_pages;

-- Name: TABLE client_hours; Type: ACL; Schema: intake; Owner: -

GRANT SELECT ON TABLE intake.client_hours TO motcua_app;

-- Name: TABLE export_forms; Type: ACL; Schema: intake; Owner: -

GRANT SELECT,INSERT ON TABLE intake.export_forms TO motcua_app;
GRANT SELECT ON TABLE intake.export_forms TO motcua_pages;

-- Name: TABLE exported_dossiers; Type: ACL; Schema: intake; Owner: -

GRANT SELECT ON TABLE intake.exported_dossiers TO motcua_app;

-- Name: COLUMN exported_dossiers.dossier_no; Type: ACL; Schema: intake; Owner: -

GRANT SELECT(dossier_no) ON TABLE intake.exported_dossiers TO motcua_pages;

-- Name: COLUMN exported_dossiers.vanished_in; Type: ACL; Schema: intake; Owner: -

GRANT SELECT(vanished_in) ON TABLE intake.exported_dossiers TO motcua_pages;

-- Name: TABLE exports; Type: ACL; Schema: intake; Owner: -

GRANT SELECT,INSERT,UPDATE ON TABLE intake.exports TO motcua_app;
GRANT SELECT,INSERT ON TABLE intake.exports TO motcua_pages;

-- Name: COLUMN exports.size; Type: ACL; Schema: intake; Owner: -

GRANT UPDATE(size) ON TABLE intake.exports TO motcua_pages;

-- Name: COLUMN exports.modified_at; Type: ACL; Schema: intake; Owner: -

GRANT UPDATE(modified_at) ON TABLE intake.exports TO motcua_pages;

-- Name: COLUMN exports.seen_at; Type: ACL; Schema: intake; Owner: -

GRANT UPDATE(seen_at) ON TABLE intake.exports TO motcua_pages;

-- Name: COLUMN exports.state; Type: ACL; Schema: intake; Owner: -

GRANT UPDATE(state) ON TABLE intake.exports TO motcua_pages;

-- Name: COLUMN exports.read_at; Type: ACL; Schema: intake; Owner: -

GRANT UPDATE(read_at) ON TABLE intake.exports TO motcua_pages;

-- Name: COLUMN exports.accepted_by; Type: ACL; Schema: intake; Owner: -

GRANT UPDATE(accepted_by) ON TABLE intake.exports TO motcua_pages;

-- Name: COLUMN exports.accepted_at; Type: ACL; Schema: intake; Owner: -

GRANT UPDATE(accepted_at) ON TABLE intake.exports TO motcua_pages;

-- Name: COLUMN exports.accepted_why; Type: ACL; Schema: intake; Owner: -

GRANT UPDATE(accepted_why) ON TABLE intake.exports TO motcua_pages;

-- Name: COLUMN exports.sent_by; Type: ACL; Schema: intake; Owner: -

GRANT UPDATE(sent_by) ON TABLE intake.exports TO motcua_pages;

-- Name: COLUMN exports.sent_at; Type: ACL; Schema: intake; Owner: -

GRANT UPDATE(sent_at) ON TABLE intake.exports TO motcua_pages;

-- Name: TABLE faults; Type: ACL; Schema: intake; Owner: -

GRANT SELECT ON TABLE intake.faults TO motcua_app;
GRANT SELECT ON TABLE intake.faults TO motcua_pages;

-- Name: TABLE pushed_dossiers; Type: ACL; Schema: intake; Owner: -

GRANT SELECT ON TABLE intake.pushed_dossiers TO motcua_eraser;

-- Name: COLUMN pushed_dossiers.dossier_no; Type: ACL; Schema: intake; Owner: -

GRANT SELECT(dossier_no) ON TABLE intake.pushed_dossiers TO motcua_app;
GRANT SELECT(dossier_no) ON TABLE intake.pushed_dossiers TO motcua_pages;

-- Name: COLUMN pushed_dossiers.agency_code; Type: ACL; Schema: intake; Owner: -

GRANT SELECT(agency_code) ON TABLE intake.pushed_dossiers TO motcua_app;
GRANT SELECT(agency_code) ON TABLE intake.pushed_dossiers TO motcua_pages;

-- Name: COLUMN pushed_dossiers.dossier_code; Type: ACL; Schema: intake; Owner: -

GRANT SELECT(dossier_code) ON TABLE intake.pushed_dossiers TO motcua_app;
GRANT SELECT(dossier_code) ON TABLE intake.pushed_dossiers TO motcua_pages;

-- Name: COLUMN pushed_dossiers.fields; Type: ACL; Schema: intake; Owner: -

GRANT SELECT(fields) ON TABLE intake.pushed_dossiers TO motcua_app;
GRANT UPDATE(fields) ON TABLE intake.pushed_dossiers TO motcua_eraser;

-- Name: COLUMN pushed_dossiers.status_code; Type: ACL; Schema: intake; Owner: -

GRANT SELECT(status_code) ON TABLE intake.pushed_dossiers TO motcua_app;
GRANT SELECT(status_code) ON TABLE intake.pushed_dossiers TO motcua_pages;

-- Name: COLUMN pushed_dossiers.arrived_at; Type: ACL; Schema: intake; Owner: -

GRANT SELECT(arrived_at) ON TABLE intake.pushed_dossiers TO motcua_app;

-- Name: COLUMN pushed_dossiers.purged_at; Type: ACL; Schema: intake; Owner: -

GRANT UPDATE(purged_at) ON TABLE intake.pushed_dossiers TO motcua_eraser;

-- Name: TABLE pushed_steps; Type: ACL; Schema: intake; Owner: -

GRANT SELECT ON TABLE intake.pushed_steps TO motcua_eraser;

-- Name: COLUMN pushed_steps.step_no; Type: ACL; Schema: intake; Owner: -

GRANT SELECT(step_no) ON TABLE intake.pushed_steps TO motcua_app;

-- Name: COLUMN pushed_steps.transition_id; Type: ACL; Schema: intake; Owner: -

GRANT SELECT(transition_id) ON TABLE intake.pushed_steps TO motcua_app;

-- Name: COLUMN pushed_steps.agency_code; Type: ACL; Schema: intake; Owner: -

GRANT SELECT(agency_code) ON TABLE intake.pushed_steps TO motcua_app;

-- Name: COLUMN pushed_steps.dossier_code; Type: ACL; Schema: intake; Owner: -

GRANT SELECT(dossier_code) ON TABLE intake.pushed_steps TO motcua_app;

-- Name: COLUMN pushed_steps.client_id; Type: ACL; Schema: intake; Owner: -

GRANT SELECT(client_id) ON TABLE intake.pushed_steps TO motcua_app;

-- Name: COLUMN pushed_steps.fields; Type: ACL; Schema: intake; Owner: -

GRANT SELECT(fields) ON TABLE intake.pushed_steps TO motcua_app;
GRANT UPDATE(fields) ON TABLE intake.pushed_steps TO motcua_eraser;

-- Name: COLUMN pushed_steps.occurred_at; Type: ACL; Schema: intake; Owner: -

GRANT SELECT(occurred_at) ON TABLE intake.pushed_steps TO motcua_app;

-- Name: COLUMN pushed_steps.purged_at; Type: ACL; Schema: intake; Owner: -

GRANT UPDATE(purged_at) ON TABLE intake.pushed_steps TO motcua_eraser;

-- Name: TABLE sessions; Type: ACL; Schema: intake; Owner: -

GRANT DELETE ON TABLE intake.sessions TO motcua_app;

-- Name: COLUMN sessions.client_id; Type: ACL; Schema: intake; Owner: -

GRANT SELECT(client_id) ON TABLE intake.sessions TO motcua_app;

-- Name: TABLE status_maps; Type: ACL; Schema: motcua; Owner: -

GRANT SELECT ON TABLE motcua.status_maps TO motcua_app;
GRANT SELECT ON TABLE motcua.status_maps TO motcua_pages;

-- Name: TABLE status_meanings; Type: ACL; Schema: motcua; Owner: -

GRANT SELECT ON TABLE motcua.status_meanings TO motcua_app;
GRANT SELECT ON TABLE motcua.status_meanings TO motcua_pages;

-- Name: TABLE source_dossiers; Type: ACL; Schema: intake; Owner: -

GRANT SELECT ON TABLE intake.source_dossiers TO motcua_app;

-- Name: TABLE source_transitions; Type: ACL; Schema: intake; Owner: -

GRANT SELECT ON TABLE intake.source_transitions TO motcua_app;

-- Name: TABLE supplements_untold; Type: ACL; Schema: intake; Owner: -

GRANT SELECT ON TABLE intake.supplements_untold TO motcua_app;
GRANT SELECT ON TABLE intake.supplements_untold TO motcua_pages;

-- Name: TABLE waiting_steps; Type: ACL; Schema: intake; Owner: -

GRANT SELECT ON TABLE intake.waiting_steps TO motcua_app;
GRANT SELECT ON TABLE intake.waiting_steps TO motcua_pages;

-- Name: TABLE wrong_addresses; Type: ACL; Schema: intake; Owner: -

GRANT SELECT ON TABLE intake.wrong_addresses TO motcua_app;

-- Name: TABLE agency_scopes; Type: ACL; Schema: motcua; Owner: -

GRANT SELECT ON TABLE motcua.agency_scopes TO motcua_app;

-- Name: TABLE airflow_cleanings; Type: ACL; Schema: motcua; Owner: -

GRANT SELECT,INSERT ON TABLE motcua.airflow_cleanings TO motcua_app;
GRANT SELECT ON TABLE motcua.airflow_cleanings TO motcua_pages;

-- Name: TABLE applied_migrations; Type: ACL; Schema: motcua; Owner: -

GRANT SELECT ON TABLE motcua.applied_migrations TO motcua_app;

-- Name: TABLE believed_sleeps; Type: ACL; Schema: motcua; Owner: -

GRANT SELECT,INSERT ON TABLE motcua.believed_sleeps TO motcua_app;
GRANT SELECT ON TABLE motcua.believed_sleeps TO motcua_pages;

-- Name: COLUMN believed_sleeps.withdrawn_at; Type: ACL; Schema: motcua; Owner: -

GRANT UPDATE(withdrawn_at) ON TABLE motcua.believed_sleeps TO motcua_app;

-- Name: COLUMN believed_sleeps.withdrawn_by; Type: ACL; Schema: motcua; Owner: -

GRANT UPDATE(withdrawn_by) ON TABLE motcua.believed_sleeps TO motcua_app;

-- Name: TABLE counted_occasions; Type: ACL; Schema: motcua; Owner: -

GRANT SELECT,INSERT ON TABLE motcua.counted_occasions TO motcua_app;

-- Name: TABLE dossier_terms; Type: ACL; Schema: motcua; Owner: -

GRANT SELECT ON TABLE motcua.dossier_terms TO motcua_app;
GRANT SELECT ON TABLE motcua.dossier_terms TO motcua_eraser;

-- Name: TABLE gateway_stops; Type: ACL; Schema: motcua; Owner: -

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE motcua.gateway_stops TO motcua_app;
GRANT SELECT ON TABLE motcua.gateway_stops TO motcua_pages;

-- Name: COLUMN gateway_stops.gateway; Type: ACL; Schema: motcua; Owner: -

GRANT SELECT(gateway) ON TABLE motcua.gateway_stops TO motcua_callbacks;

-- Name: COLUMN gateway_stops.concerns; Type: ACL; Schema: motcua; Owner: -

GRANT SELECT(concerns) ON TABLE motcua.gateway_stops TO motcua_callbacks;

-- Name: TABLE gateways; Type: ACL; Schema: motcua; Owner: -

GRANT SELECT,INSERT,UPDATE ON TABLE motcua.gateways TO motcua_app;
GRANT SELECT ON TABLE motcua.gateways TO motcua_pages;

-- Name: COLUMN gateways.name; Type: ACL; Schema: motcua; Owner: -

GRANT SELECT(name) ON TABLE motcua.gateways TO motcua_callbacks;

-- Name: TABLE journals; Type: ACL; Schema: motcua; Owner: -

GRANT SELECT,INSERT ON TABLE motcua.journals TO motcua_app;

-- Name: TABLE message_moves; Type: ACL; Schema: motcua; Owner: -

GRANT SELECT ON TABLE motcua.message_moves TO motcua_app;

-- Name: TABLE message_states; Type: ACL; Schema: motcua; Owner: -

GRANT SELECT ON TABLE motcua.message_states TO motcua_app;
GRANT SELECT ON TABLE motcua.message_states TO motcua_callbacks;

-- Name: TABLE occasion_conditions; Type: ACL; Schema: motcua; Owner: -

GRANT SELECT ON TABLE motcua.occasion_conditions TO motcua_app;
GRANT SELECT ON TABLE motcua.occasion_conditions TO motcua_pages;

-- Name: TABLE phone_changes; Type: ACL; Schema: motcua; Owner: -

GRANT SELECT,DELETE ON TABLE motcua.phone_changes TO motcua_app;

-- Name: TABLE pick_ups; Type: ACL; Schema: motcua; Owner: -

GRANT SELECT,INSERT,UPDATE ON TABLE motcua.pick_ups TO motcua_app;
GRANT SELECT ON TABLE motcua.pick_ups TO motcua_pages;

-- Name: TABLE procedures; Type: ACL; Schema: motcua; Owner: -

GRANT SELECT,INSERT,UPDATE ON TABLE motcua.procedures TO motcua_app;
GRANT SELECT ON TABLE motcua.procedures TO motcua_pages;

-- Name: TABLE runs; Type: ACL; Schema: motcua; Owner: -

GRANT SELECT,INSERT,UPDATE ON TABLE motcua.runs TO motcua_app;
GRANT SELECT ON TABLE motcua.runs TO motcua_pages;

-- Name: TABLE sender_life; Type: ACL; Schema: motcua; Owner: -

GRANT SELECT,INSERT,UPDATE ON TABLE motcua.sender_life TO motcua_app;

-- Name: TABLE sending_conditions; Type: ACL; Schema: motcua; Owner: -

GRANT SELECT ON TABLE motcua.sending_conditions TO motcua_app;
GRANT SELECT ON TABLE motcua.sending_conditions TO motcua_pages;

-- Name: TABLE source_checks; Type: ACL; Schema: motcua; Owner: -

GRANT SELECT,INSERT,UPDATE ON TABLE motcua.source_checks TO motcua_app;
GRANT SELECT ON TABLE motcua.source_checks TO motcua_pages;

-- Name: TABLE source_numberings; Type: ACL; Schema: motcua; Owner: -

GRANT SELECT,INSERT ON TABLE motcua.source_numberings TO motcua_app;
GRANT SELECT ON TABLE motcua.source_numberings TO motcua_pages;

-- Name: TABLE statement_uploads; Type: ACL; Schema: motcua; Owner: -

GRANT SELECT ON TABLE motcua.statement_uploads TO motcua_app;
GRANT SELECT,INSERT ON TABLE motcua.statement_uploads TO motcua_pages;

-- Name: TABLE unread_receipts; Type: ACL; Schema: motcua; Owner: -

GRANT SELECT ON TABLE motcua.unread_receipts TO motcua_app;
GRANT SELECT ON TABLE motcua.unread_receipts TO motcua_callbacks;

-- Name: TABLE user_agencies; Type: ACL; Schema: motcua; Owner: -

GRANT SELECT,INSERT,DELETE ON TABLE motcua.user_agencies TO motcua_app;
GRANT SELECT,INSERT,DELETE ON TABLE motcua.user_agencies TO motcua_pages;

-- Name: TABLE watch_life; Type: ACL; Schema: motcua; Owner: -

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE motcua.watch_life TO motcua_app;
GRANT SELECT ON TABLE motcua.watch_life TO motcua_pages;

-- Name: TABLE actor_days; Type: ACL; Schema: quality; Owner: -

GRANT SELECT,INSERT ON TABLE quality.actor_days TO motcua_app;

-- Name: TABLE agencies; Type: ACL; Schema: quality; Owner: -

GRANT SELECT,INSERT ON TABLE quality.agencies TO motcua_app;

-- Name: TABLE agency_counts; Type: ACL; Schema: quality; Owner: -

GRANT SELECT,INSERT ON TABLE quality.agency_counts TO motcua_app;

-- Name: TABLE agency_days; Type: ACL; Schema: quality; Owner: -

GRANT SELECT,INSERT ON TABLE quality.agency_days TO motcua_app;

-- Name: TABLE agency_month_facts; Type: ACL; Schema: quality; Owner: -

GRANT SELECT,INSERT ON TABLE quality.agency_month_facts TO motcua_app;

-- Name: TABLE days; Type: ACL; Schema: quality; Owner: -

GRANT SELECT,INSERT ON TABLE quality.days TO motcua_app;

-- Name: TABLE desk_register; Type: ACL; Schema: quality; Owner: -

GRANT SELECT,INSERT ON TABLE quality.desk_register TO motcua_app;

-- Name: TABLE dossier_facts; Type: ACL; Schema: quality; Owner: -

GRANT SELECT,INSERT ON TABLE quality.dossier_facts TO motcua_app;

-- Name: TABLE dossiers; Type: ACL; Schema: quality; Owner: -

GRANT SELECT,INSERT ON TABLE quality.dossiers TO motcua_app;

-- Name: TABLE edited; Type: ACL; Schema: quality; Owner: -

GRANT SELECT,INSERT ON TABLE quality.edited TO motcua_app;

-- Name: TABLE found; Type: ACL; Schema: quality; Owner: -

GRANT SELECT,INSERT ON TABLE quality.found TO motcua_app;

-- Name: TABLE ledger_counts; Type: ACL; Schema: quality; Owner: -

GRANT SELECT,INSERT ON TABLE quality.ledger_counts TO motcua_app;

-- Name: TABLE marks; Type: ACL; Schema: quality; Owner: -

GRANT SELECT,INSERT ON TABLE quality.marks TO motcua_app;

-- Name: TABLE month_cells; Type: ACL; Schema: quality; Owner: -

GRANT SELECT,INSERT ON TABLE quality.month_cells TO motcua_app;

-- Name: TABLE moves; Type: ACL; Schema: quality; Owner: -

GRANT SELECT,INSERT ON TABLE quality.moves TO motcua_app;

-- Name: TABLE register_readings; Type: ACL; Schema: quality; Owner: -

GRANT SELECT,INSERT ON TABLE quality.register_readings TO motcua_app;

-- Name: TABLE result_messages; Type: ACL; Schema: quality; Owner: -

GRANT SELECT,INSERT ON TABLE quality.result_messages TO motcua_app;

-- Name: TABLE source_facts; Type: ACL; Schema: quality; Owner: -

GRANT SELECT,INSERT ON TABLE quality.source_facts TO motcua_app;

-- Name: TABLE usual_waits; Type: ACL; Schema: quality; Owner: -

GRANT SELECT,INSERT ON TABLE quality.usual_waits TO motcua_app;

-- Name: TABLE lines; Type: ACL; Schema: statements; Owner: -

GRANT SELECT,INSERT ON TABLE statements.lines TO motcua_app;

-- Name: TABLE ours; Type: ACL; Schema: statements; Owner: -

GRANT SELECT,INSERT ON TABLE statements.ours TO motcua_app;

-- Name: TABLE pairs; Type: ACL; Schema: statements; Owner: -

GRANT SELECT,INSERT ON TABLE statements.pairs TO motcua_app;

-- PostgreSQL database dump complete
