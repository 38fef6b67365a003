-- depends: 0009_agency_settings
-- The 17:30 apologies: which evenings were settled and what was known then, and whether one may still be told.

CREATE TABLE motcua.apology_evenings (
    agency_code text NOT NULL REFERENCES motcua.agencies,
    day date NOT NULL,
    evening_at timestamptz NOT NULL,
    apology_day text NOT NULL CHECK (apology_day IN ('calendar', 'working_day')),
    state text NOT NULL CHECK (state IN ('done', 'missed', 'day_off')),
    first_due date,
    last_due date,
    useful_until timestamptz,
    settled_at timestamptz NOT NULL,
    known_transition bigint NOT NULL,
    known_version bigint NOT NULL,
    looked_at integer NOT NULL CHECK (looked_at >= 0),
    queued integer NOT NULL CHECK (queued >= 0),
    suppressed integer NOT NULL CHECK (suppressed >= 0),
    missed integer NOT NULL CHECK (missed >= 0),
    PRIMARY KEY (agency_code, day),
    CHECK (settled_at >= evening_at),
    CHECK ((state = 'day_off') = (first_due IS NULL)),
    CHECK ((first_due IS NULL) = (last_due IS NULL) AND (first_due IS NULL) = (useful_until IS NULL)),
    CHECK (first_due > day AND last_due >= first_due),
    CHECK (queued = 0 OR state = 'done')
);
COMMENT ON TABLE motcua.apology_evenings IS 'Each evening on which an agency''s apologies were planned, or found to be missed; append-only.';
COMMENT ON COLUMN motcua.apology_evenings.agency_code IS 'The agency.';
COMMENT ON COLUMN motcua.apology_evenings.day IS 'The day whose evening it is, by the calendar of Vietnam.';
COMMENT ON COLUMN motcua.apology_evenings.evening_at IS 'The moment that dossiers are judged by: 17:30.';
COMMENT ON COLUMN motcua.apology_evenings.apology_day IS 'The agency''s mode then: calendar or working_day.';
COMMENT ON COLUMN motcua.apology_evenings.state IS 'done; missed: found only when it was too late to tell anybody; day_off: working_day mode, no selection.';
COMMENT ON COLUMN motcua.apology_evenings.first_due IS 'First stored due date that it is about; empty on a day off.';
COMMENT ON COLUMN motcua.apology_evenings.last_due IS 'Last one; in working_day mode the day on which they all are effective.';
COMMENT ON COLUMN motcua.apology_evenings.useful_until IS 'When it was too late: the desk opens, or the night before that begins.';
COMMENT ON COLUMN motcua.apology_evenings.settled_at IS 'When it was planned, or found to be missed.';
COMMENT ON COLUMN motcua.apology_evenings.known_transition IS 'Largest transition known then; what was picked up later did not count.';
COMMENT ON COLUMN motcua.apology_evenings.known_version IS 'Largest version of a dossier''s row known then.';
COMMENT ON COLUMN motcua.apology_evenings.looked_at IS 'Dossiers that had such a due date at any time.';
COMMENT ON COLUMN motcua.apology_evenings.queued IS 'New apologies to be sent.';
COMMENT ON COLUMN motcua.apology_evenings.suppressed IS 'New apologies that may not be sent.';
COMMENT ON COLUMN motcua.apology_evenings.missed IS 'New apologies that nobody could be told: too late, or their source is no longer read.';
CREATE TRIGGER refuse_change BEFORE UPDATE OR DELETE ON motcua.apology_evenings
FOR EACH ROW EXECUTE FUNCTION motcua.refuse_change();

-- Who had this due date, in whatever version: the first question of an evening and of its accounting.
CREATE INDEX dossier_versions_due ON motcua.dossier_versions (((due_at AT TIME ZONE 'Asia/Ho_Chi_Minh')::date));

CREATE FUNCTION motcua.dossier_as_of(
    of_dossier bigint, moment timestamptz, known_version bigint, known_transition bigint
)
RETURNS TABLE (due_at timestamptz, received_at timestamptz, status_code smallint, handed_over boolean)
LANGUAGE sql STABLE AS $$
    SELECT
        r.due_at,
        r.received_at,
        CASE
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
    LEFT JOIN LATERAL (
        SELECT n.status_code, n.recorded_at, n.occurred_at
        FROM motcua.transitions AS n
        WHERE n.dossier_id = of_dossier AND n.recorded_at <= moment AND n.transition_id <= known_transition
        ORDER BY n.sequence DESC, n.from_row DESC, n.transition_id DESC
        LIMIT 1
    ) AS t ON TRUE
$$;
COMMENT ON FUNCTION motcua.dossier_as_of(bigint, timestamptz, bigint, bigint)
IS 'A dossier as it stood at a moment, by what was known up to a version and a transition: the last row not younger than the moment (else the first one, for its dates alone), the last transition recorded by then, and of the two the newer one''s status; handed over: its citizen had the result, and it was not moved since. No row: not known at all.';

CREATE FUNCTION motcua.apology_holds(of_dossier bigint, of_occasion text) RETURNS boolean
LANGUAGE sql STABLE AS $$
    SELECT coalesce(
        CASE WHEN l.recorded_at > coalesce(d.updated_at, '-infinity') THEN l.status_code ELSE d.status_code END IN (2, 4)
        AND 'due ' || to_char(d.due_at AT TIME ZONE 'Asia/Ho_Chi_Minh', 'YYYY-MM-DD') = of_occasion
        AND (d.returned_at IS NULL OR l.occurred_at > d.returned_at),
        FALSE
    )
    FROM motcua.dossiers AS d
    LEFT JOIN LATERAL (
        SELECT t.status_code, t.recorded_at, t.occurred_at
        FROM motcua.transitions AS t
        WHERE t.dossier_id = d.dossier_id
        ORDER BY t.sequence DESC, t.from_row DESC, t.transition_id DESC
        LIMIT 1
    ) AS l ON TRUE
    WHERE d.dossier_id = of_dossier
$$;
COMMENT ON FUNCTION motcua.apology_holds(bigint, text)
IS 'The dossier is still being worked on, by the newer of its row and its last transition, and still due on the day that the apology names.';

-- As before, with the apology's own condition, and when the dossier's source was last read.
CREATE OR REPLACE VIEW motcua.sending_conditions AS
SELECT
    m.message_id,
    d.msisdn,
    d.phone_refusal,
    d.returned_at,
    m.kind = any(g.kinds_off) AS kind_off,
    CASE m.kind
        WHEN 'apology' THEN motcua.apology_holds(m.dossier_id, m.occasion)
        ELSE motcua.occasion_holds(m.dossier_id, m.transition_id, m.kind)
    END AS occasion_holds,
    (
        SELECT max(o.accepted_at) FROM motcua.messages AS o
        WHERE
            o.dossier_id = m.dossier_id AND o.kind = m.kind AND o.message_id <> m.message_id
            AND o.state IN ('accepted', 'delivered', 'unconfirmed')
    ) AS told_at,
    (
        SELECT max(a.started_at) FROM motcua.messages AS o
        INNER JOIN motcua.attempts AS a ON o.message_id = a.message_id
        WHERE
            o.dossier_id = m.dossier_id AND o.kind = m.kind AND o.message_id <> m.message_id
            AND o.state IN ('sending', 'unknown')
    ) AS unsettled_since,
    s.picked_up_at AS source_read_at
FROM motcua.messages AS m
INNER JOIN motcua.dossiers AS d ON m.dossier_id = d.dossier_id
INNER JOIN motcua.agencies AS g ON d.agency_code = g.agency_code
INNER JOIN motcua.sources AS s ON d.source_id = s.source_id;

CREATE VIEW audit.apology_evenings AS
SELECT
    agency_code, day, evening_at, apology_day, state, first_due, last_due, useful_until, settled_at, known_transition,
    known_version, looked_at, queued, suppressed, missed
FROM motcua.apology_evenings;
CREATE VIEW audit.dossier_versions AS
SELECT
    version_id, dossier_id, seen_at, updated_at, procedure_code, received_at, due_at, step_name, status_code,
    at_one_stop_desk, finished_at, returned_at
FROM motcua.dossier_versions;
GRANT SELECT ON audit.apology_evenings, audit.dossier_versions TO motcua_audit, motcua_app;

GRANT SELECT, INSERT ON motcua.apology_evenings TO motcua_app;
