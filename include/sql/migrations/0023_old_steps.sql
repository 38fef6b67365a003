-- depends: 0022_status_maps_over_time
-- Older steps that are typed in late have no force unless the dossier's row agrees: docs/decisions/old-steps.md.

CREATE TABLE motcua.rule_dates (
    rule text PRIMARY KEY,
    since timestamptz NOT NULL
);
COMMENT ON TABLE motcua.rule_dates IS 'Since when a rule holds; what was recorded before keeps the rule that held then.';
COMMENT ON COLUMN motcua.rule_dates.rule IS 'Name of the rule.';
COMMENT ON COLUMN motcua.rule_dates.since IS 'It holds for what was recorded from then on; a ledger that was empty then has always known it.';
INSERT INTO motcua.rule_dates (rule, since)
SELECT 'old_steps', CASE WHEN EXISTS (SELECT 1 FROM motcua.transitions) THEN now() ELSE '2000-01-01 00:00+07' END;

CREATE TABLE motcua.old_steps (
    transition_id bigint PRIMARY KEY REFERENCES motcua.transitions,
    source_id smallint NOT NULL REFERENCES motcua.sources,
    dossier_id bigint NOT NULL REFERENCES motcua.dossiers,
    known_from bigint NOT NULL REFERENCES motcua.transitions,
    read_from timestamptz NOT NULL,
    marked_at timestamptz NOT NULL,
    ask_at timestamptz,
    version_id bigint REFERENCES motcua.dossier_versions,
    has_force boolean,
    CHECK (known_from >= transition_id),
    CHECK ((version_id IS NULL) = (has_force IS NULL)),
    CHECK (version_id IS NULL OR ask_at IS NULL)
);
CREATE INDEX old_steps_dossier ON motcua.old_steps (dossier_id);
CREATE INDEX old_steps_to_judge ON motcua.old_steps (source_id, ask_at) WHERE ask_at IS NOT NULL;
COMMENT ON TABLE motcua.old_steps IS 'Transitions that happened well before one of a lower number of their source: an older step, typed in late. The dossier''s row, read once more, says whether it counts; that is written once.';
COMMENT ON COLUMN motcua.old_steps.transition_id IS 'The transition.';
COMMENT ON COLUMN motcua.old_steps.source_id IS 'Its source.';
COMMENT ON COLUMN motcua.old_steps.dossier_id IS 'Its dossier.';
COMMENT ON COLUMN motcua.old_steps.known_from IS 'Since this transition was read it is known to be old: itself, or the lower number that came later.';
COMMENT ON COLUMN motcua.old_steps.read_from IS 'A row that is read from then on judges it: when it was recorded, and as long as clocks may be off.';
COMMENT ON COLUMN motcua.old_steps.marked_at IS 'When it was found to be old.';
COMMENT ON COLUMN motcua.old_steps.ask_at IS 'When the row is to be read for it; empty: it was, or the source no longer has the row.';
COMMENT ON COLUMN motcua.old_steps.version_id IS 'The version of the dossier''s row that judged it; empty: none did.';
COMMENT ON COLUMN motcua.old_steps.has_force IS 'It counts as any step does; empty: not judged.';

CREATE FUNCTION motcua.keep_judgement() RETURNS trigger LANGUAGE plpgsql AS $$
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
CREATE TRIGGER keep_judgement BEFORE UPDATE ON motcua.old_steps
FOR EACH ROW EXECUTE FUNCTION motcua.keep_judgement();
CREATE TRIGGER refuse_change BEFORE DELETE ON motcua.old_steps
FOR EACH ROW EXECUTE FUNCTION motcua.refuse_change();

-- Between two transitions of a dossier the condition of a kind was left by a step that counts.
CREATE FUNCTION motcua.was_left(of_dossier bigint, since_transition bigint, until_transition bigint, of_kind text)
RETURNS boolean LANGUAGE sql STABLE AS $$
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
COMMENT ON FUNCTION motcua.was_left(bigint, bigint, bigint, text)
IS 'After a transition, and before another one where it is given, the dossier left the condition of the kind by a step that counts.';

-- Between two entries of a dossier into the condition of a kind lies nothing that counts.
CREATE FUNCTION motcua.is_same_state(of_dossier bigint, earlier bigint, later bigint, of_kind text)
RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT
        (e.sequence, e.from_row, e.transition_id) < (l.sequence, l.from_row, l.transition_id)
        AND NOT motcua.was_left(of_dossier, earlier, later, of_kind)
    FROM motcua.transitions AS e
    CROSS JOIN motcua.transitions AS l
    WHERE e.transition_id = earlier AND l.transition_id = later
$$;
COMMENT ON FUNCTION motcua.is_same_state(bigint, bigint, bigint, text)
IS 'The later of two transitions entered the condition of the kind again although no step that counts had left it.';

-- In PL/pgSQL, so that it is planned by itself: put into the statements that ask it of a few messages, it would have
-- them read all.
CREATE FUNCTION motcua.occasion_standing(of_dossier bigint, since_transition bigint, of_kind text)
RETURNS TABLE (gone text, waits_until timestamptz) LANGUAGE plpgsql STABLE ROWS 1 AS $$
BEGIN
    RETURN QUERY
    SELECT
        CASE
            WHEN motcua.was_left(of_dossier, since_transition, NULL, of_kind) THEN 'taken_back'
            WHEN e.is_old AND NOT e.is_confirmed AND e.is_judged THEN 'outdated'
            -- Entered again after nothing but old steps that do not count: the later message is the one.
            WHEN EXISTS (
                SELECT 1
                FROM motcua.messages AS n
                INNER JOIN motcua.transitions AS s ON n.transition_id = s.transition_id
                LEFT JOIN motcua.old_steps AS o ON s.transition_id = o.transition_id
                LEFT JOIN motcua.dossier_versions AS v ON o.version_id = v.version_id
                WHERE
                    n.dossier_id = of_dossier AND n.kind = of_kind AND n.state NOT IN ('cancelled', 'expired')
                    AND (s.sequence, s.from_row, s.transition_id) > (e.sequence, e.from_row, e.transition_id)
                    AND (
                        o.transition_id IS NULL
                        OR motcua.condition_of(v.status_code, v.at_one_stop_desk) IS NOT DISTINCT FROM of_kind
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
COMMENT ON FUNCTION motcua.occasion_standing(bigint, bigint, text)
IS 'Why the occasion that a transition began is over (taken_back, outdated: an old step that the row does not confirm, superseded: entered again after old steps only); until when it must wait for the row because of an old step, infinity: until it was read.';

CREATE OR REPLACE FUNCTION motcua.occasion_holds(of_dossier bigint, since_transition bigint, of_kind text)
RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT s.gone IS NULL FROM motcua.occasion_standing(of_dossier, since_transition, of_kind) AS s
$$;
COMMENT ON FUNCTION motcua.occasion_holds(bigint, bigint, text)
IS 'The occasion that a transition began is not over: motcua.occasion_standing says why it would be.';

CREATE FUNCTION motcua.last_step(
    of_dossier bigint, moment timestamptz, known_version bigint, known_transition bigint
)
RETURNS TABLE (
    to_step text, status_code smallint, occurred_at timestamptz, recorded_at timestamptz, picked_up_at timestamptz,
    row_speaks boolean
)
LANGUAGE sql STABLE AS $$
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
COMMENT ON FUNCTION motcua.last_step(bigint, timestamptz, bigint, bigint)
IS 'A dossier''s last step recorded by a moment that is no old one, by what was known up to a version and a transition; row_speaks: an old step came after it that counts, or that no row has judged yet, so that the dossier''s row says how it stands.';

CREATE OR REPLACE FUNCTION motcua.dossier_as_of(
    of_dossier bigint, moment timestamptz, known_version bigint, known_transition bigint
)
RETURNS TABLE (due_at timestamptz, received_at timestamptz, status_code smallint, handed_over boolean)
LANGUAGE sql STABLE AS $$
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
COMMENT ON FUNCTION motcua.dossier_as_of(bigint, timestamptz, bigint, bigint)
IS 'A dossier as it stood at a moment, by what was known up to a version and a transition: the last row not younger than the moment (else the first one, for its dates alone), the last step recorded by then, and of the two the newer one''s status, or the row''s where an old step lets it speak; handed over: its citizen had the result, and it was not moved since. No row: not known at all.';

CREATE OR REPLACE FUNCTION motcua.apology_holds(of_dossier bigint, of_occasion text) RETURNS boolean
LANGUAGE sql STABLE AS $$
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

-- As before, with why an occasion is over and until when it waits for the row; and what citizens were told of the very
-- same state, parted from it by nothing but old steps that do not count.
CREATE OR REPLACE VIEW motcua.sending_conditions AS
SELECT
    m.message_id,
    d.msisdn,
    d.phone_refusal,
    d.returned_at,
    m.kind = any(g.kinds_off) AS kind_off,
    CASE m.kind WHEN 'apology' THEN motcua.apology_holds(m.dossier_id, m.occasion) ELSE w.gone IS NULL END
        AS occasion_holds,
    others.told_at,
    others.unsettled_since,
    s.picked_up_at AS source_read_at,
    w.gone,
    nullif(w.waits_until, 'infinity') AS waits_until,
    coalesce(w.waits_until = 'infinity', FALSE) AS waits_for_row,
    coalesce(others.told_of_this, FALSE) AS told_of_this,
    coalesce(others.unsettled_of_this, FALSE) AS unsettled_of_this
FROM motcua.messages AS m
INNER JOIN motcua.dossiers AS d ON m.dossier_id = d.dossier_id
INNER JOIN motcua.agencies AS g ON d.agency_code = g.agency_code
INNER JOIN motcua.sources AS s ON d.source_id = s.source_id
LEFT JOIN LATERAL motcua.occasion_standing(m.dossier_id, m.transition_id, m.kind) AS w ON m.kind <> 'apology'
CROSS JOIN LATERAL (
    SELECT
        max(o.accepted_at) FILTER (WHERE o.state IN ('accepted', 'delivered', 'unconfirmed')) AS told_at,
        max((SELECT max(a.started_at) FROM motcua.attempts AS a WHERE a.message_id = o.message_id))
        FILTER (WHERE o.state IN ('sending', 'unknown')) AS unsettled_since,
        bool_or(o.is_of_this) FILTER (WHERE o.state IN ('accepted', 'delivered', 'unconfirmed')) AS told_of_this,
        bool_or(o.is_of_this) FILTER (WHERE o.state IN ('sending', 'unknown')) AS unsettled_of_this
    FROM (
        SELECT
            p.message_id,
            p.state,
            p.accepted_at,
            -- Of an apology, which has no transition, never.
            motcua.is_same_state(m.dossier_id, p.transition_id, m.transition_id, m.kind) AS is_of_this
        FROM motcua.messages AS p
        WHERE p.dossier_id = m.dossier_id AND p.kind = m.kind AND p.message_id <> m.message_id
    ) AS o
) AS others;
COMMENT ON VIEW motcua.sending_conditions IS 'What a message looks like just before its call. Holds personal data.';
GRANT SELECT ON motcua.sending_conditions TO motcua_app;

INSERT INTO motcua.message_moves (from_state, to_state, cause, only_for) VALUES
('cancelled', 'queued', 'a step that is not old confirms the occasion that an old one had begun', 'confirmed'),
('expired', 'queued', 'a step that is not old confirms the occasion that an old one had begun', 'confirmed');

CREATE VIEW audit.old_steps AS
SELECT transition_id, source_id, dossier_id, known_from, read_from, marked_at, version_id, has_force
FROM motcua.old_steps;
CREATE VIEW audit.rule_dates AS SELECT rule, since FROM motcua.rule_dates;
GRANT SELECT ON audit.old_steps, audit.rule_dates TO motcua_audit, motcua_app;
GRANT SELECT ON motcua.rule_dates TO motcua_app;
GRANT SELECT, INSERT, UPDATE ON motcua.old_steps TO motcua_app;
