-- What truly happens in the demo, in a database of its own, into which nobody but the simulator may connect: its clock,
-- its dossiers, what they do next, and what must be told of it. Called by sandbox/world/clockwork.py,
-- sandbox/world/writers.py (schema) and sandbox/latency.py (notices).

-- name: schema
-- What truly happens in the sandbox, for judging the system against it, and the simulator's own memory. Nobody but the
-- simulator may connect. Run again and again by sandbox/world/writers.py; changes nothing that is there.
CREATE SCHEMA IF NOT EXISTS truth;

CREATE TABLE IF NOT EXISTS truth.events (
    event_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at timestamptz NOT NULL,
    source text NOT NULL,
    agency_code text NOT NULL,
    dossier_code text NOT NULL,
    kind text NOT NULL,
    detail jsonb NOT NULL
);
COMMENT ON TABLE truth.events IS 'What truly happened, on paper and at the keyboard. Codes: canonical.';
CREATE INDEX IF NOT EXISTS events_dossier ON truth.events (agency_code, dossier_code);

CREATE TABLE IF NOT EXISTS truth.expected_notices (
    notice_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind text NOT NULL CHECK (kind IN ('result', 'supplement')),
    source text NOT NULL,
    agency_code text NOT NULL,
    dossier_code text NOT NULL,
    occasion smallint NOT NULL CHECK (occasion > 0),
    occurred_at timestamptz NOT NULL,
    transition_id bigint NOT NULL,
    committed_at timestamptz NOT NULL,
    plannable_at timestamptz,
    obstacle text CHECK (obstacle IN ('unknown_agency', 'unusable_code', 'no_dossier_row')),
    left_at timestamptz,
    truthful boolean NOT NULL,
    phone_kind text NOT NULL,
    owner_number text,
    UNIQUE (agency_code, dossier_code, kind, occasion)
);
COMMENT ON TABLE truth.expected_notices IS 'Each time a dossier entered the condition of a notice.';
COMMENT ON COLUMN truth.expected_notices.occurred_at IS 'When the official pressed the key, by a true clock.';
COMMENT ON COLUMN truth.expected_notices.transition_id IS 'The source''s transition that told of it.';
COMMENT ON COLUMN truth.expected_notices.committed_at IS 'When that transition could be read.';
COMMENT ON COLUMN truth.expected_notices.plannable_at IS 'When all was there that it needs; empty: not yet.';
COMMENT ON COLUMN truth.expected_notices.obstacle IS 'What stood, or stands, in the way.';
COMMENT ON COLUMN truth.expected_notices.left_at IS 'When the dossier left the condition again.';
COMMENT ON COLUMN truth.expected_notices.truthful IS 'Whether the paper agreed then.';
COMMENT ON COLUMN truth.expected_notices.phone_kind IS 'What the phone field held then.';
COMMENT ON COLUMN truth.expected_notices.owner_number IS 'Where the applicant can truly be texted, E.164.';

CREATE SCHEMA IF NOT EXISTS world;

CREATE TABLE IF NOT EXISTS world.clock (
    the_only boolean PRIMARY KEY DEFAULT TRUE CHECK (the_only),
    began_at timestamptz NOT NULL,
    alive_at timestamptz NOT NULL,
    starts integer NOT NULL
);
COMMENT ON TABLE world.clock IS 'When the world began and was last alive; time stops while it is stopped.';

CREATE TABLE IF NOT EXISTS world.dossiers (
    dossier_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    agency_code text NOT NULL,
    dossier_code text NOT NULL,
    memory jsonb NOT NULL,
    UNIQUE (agency_code, dossier_code)
);
COMMENT ON TABLE world.dossiers IS 'Each dossier as the world knows it.';

CREATE TABLE IF NOT EXISTS world.agenda (
    action_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    dossier_id bigint NOT NULL REFERENCES world.dossiers,
    due_at timestamptz NOT NULL,
    act jsonb NOT NULL
);
COMMENT ON TABLE world.agenda IS 'What is going to happen to each dossier.';
CREATE INDEX IF NOT EXISTS agenda_due ON world.agenda (due_at, action_id);
CREATE INDEX IF NOT EXISTS agenda_dossier ON world.agenda (dossier_id, due_at);

CREATE TABLE IF NOT EXISTS world.serials (
    agency_code text NOT NULL,
    series text NOT NULL,
    last integer NOT NULL,
    PRIMARY KEY (agency_code, series)
);
COMMENT ON TABLE world.serials IS 'Last number given in each series of dossier codes.';

REVOKE ALL ON SCHEMA public FROM public;

-- name: clear
-- Forgets a world whose beginning was broken off.
TRUNCATE truth.events, truth.expected_notices, world.agenda, world.dossiers, world.serials RESTART IDENTITY;

-- name: begin
-- The world has begun: its history is written.
INSERT INTO world.clock (began_at, alive_at, starts) VALUES (%(now)s, %(now)s, 1);

-- name: read_clock
-- When the world began and was last alive; no row: it has not begun.
SELECT
    began_at,
    alive_at,
    starts
FROM world.clock;

-- name: keep_alive
-- The world is alive.
UPDATE world.clock SET alive_at = %(now)s;

-- name: stand_still
-- Puts everything off by the time in which the world stood still.
UPDATE world.agenda SET due_at = due_at + %(pause)s;

-- name: wake
-- The world lives again.
UPDATE world.clock SET alive_at = %(now)s, starts = starts + 1 RETURNING starts;

-- name: next_serial
-- The next number of a series of dossier codes.
INSERT INTO world.serials (agency_code, series, last) VALUES (%(agency_code)s, %(series)s, 1)
ON CONFLICT (agency_code, series) DO UPDATE SET last = serials.last + 1
RETURNING last;

-- name: add_dossier
-- A new dossier.
INSERT INTO world.dossiers (agency_code, dossier_code, memory)
VALUES (%(agency_code)s, %(dossier_code)s, %(memory)s)
RETURNING dossier_id;

-- name: lock_dossier
-- A dossier as it is, kept from others until the end of the transaction.
SELECT memory FROM world.dossiers
WHERE dossier_id = %(dossier_id)s
FOR UPDATE;

-- name: find_dossier
-- The dossier with this code, outer blanks left out, kept from others until the end of the transaction. For a visitor
-- who acts as an official.
SELECT
    dossier_id,
    memory
FROM world.dossiers
WHERE agency_code = %(agency_code)s AND dossier_code = %(dossier_code)s
FOR UPDATE;

-- name: save_dossier
-- What has become of a dossier.
UPDATE world.dossiers SET memory = %(memory)s
WHERE dossier_id = %(dossier_id)s;

-- name: add_act
-- Something that is going to happen.
INSERT INTO world.agenda (dossier_id, due_at, act) VALUES (%(dossier_id)s, %(due_at)s, %(act)s)
RETURNING action_id;

-- name: count_agenda
-- How much is planned.
SELECT count(*) AS planned FROM world.agenda;

-- name: due_acts
-- What is due, oldest first.
SELECT
    action_id,
    dossier_id
FROM world.agenda
WHERE due_at <= %(now)s
ORDER BY due_at, action_id
LIMIT 200;

-- name: take_act
-- Takes one act off the agenda; no row: a visitor was quicker.
DELETE FROM world.agenda
WHERE action_id = %(action_id)s
RETURNING act;

-- name: halves_of_dossier
-- Moves of a dossier whose second half is still to be written, oldest first.
SELECT action_id FROM world.agenda
WHERE dossier_id = %(dossier_id)s AND act ->> 'kind' = 'write'
ORDER BY due_at, action_id;

-- name: forget_plans
-- Nothing that was planned for the dossier will happen but that its row appears: a visitor has taken it over.
DELETE FROM world.agenda
WHERE dossier_id = %(dossier_id)s AND act ->> 'kind' <> 'reveal';

-- name: hurry
-- A batch at the end of the day: one official of the agency makes, at once, the moves to 9 and 10 that come next for a
-- dozen dossiers. Returns the dossiers.
WITH ours AS (
    SELECT dossier_id FROM world.dossiers
    WHERE agency_code = %(agency_code)s
),

next_acts AS (
    SELECT DISTINCT ON (a.dossier_id)
        a.action_id,
        a.act
    FROM world.agenda AS a
    INNER JOIN ours ON a.dossier_id = ours.dossier_id
    ORDER BY a.dossier_id, a.due_at, a.action_id
),

chosen AS (
    SELECT action_id FROM next_acts
    WHERE act ->> 'kind' = 'move' AND act -> 'move' ->> 'status' IN ('9', '10')
    ORDER BY action_id
    LIMIT 12
)

UPDATE world.agenda
SET due_at = %(now)s, act = jsonb_set(act, '{move,actor}', to_jsonb(%(actor)s::text))
FROM chosen
WHERE agenda.action_id = chosen.action_id
RETURNING agenda.dossier_id;

-- name: add_event
-- Something that truly happened.
INSERT INTO truth.events (at, source, agency_code, dossier_code, kind, detail)
VALUES (%(at)s, %(source)s, %(agency_code)s, %(dossier_code)s, %(kind)s, %(detail)s);

-- name: expect_notice
-- A dossier has entered the condition of a notice, and its source shows it.
INSERT INTO truth.expected_notices (
    kind, source, agency_code, dossier_code, occasion, occurred_at, transition_id, committed_at,
    plannable_at, obstacle, truthful, phone_kind, owner_number
)
VALUES (
    %(kind)s, %(source)s, %(agency_code)s, %(dossier_code)s, %(occasion)s, %(occurred_at)s,
    %(transition_id)s, %(now)s, CASE WHEN %(obstacle)s::text IS NULL THEN %(now)s END, %(obstacle)s,
    %(truthful)s, %(phone_kind)s, %(owner_number)s
);

-- name: make_plannable
-- The dossier's row has appeared: what waited for it can be planned.
UPDATE truth.expected_notices SET plannable_at = %(now)s
WHERE
    agency_code = %(agency_code)s
    AND dossier_code = %(dossier_code)s
    AND obstacle = 'no_dossier_row'
    AND plannable_at IS NULL;

-- name: leave_condition
-- A dossier has left the condition of its notice.
UPDATE truth.expected_notices SET left_at = %(now)s
WHERE
    agency_code = %(agency_code)s
    AND dossier_code = %(dossier_code)s
    AND kind = %(kind)s
    AND left_at IS NULL;

-- name: notices
-- The latest notices that nothing stood in the way of, committed within these bounds, with the moment at which their
-- transition could be read.
SELECT source, transition_id, committed_at
FROM truth.expected_notices
WHERE
    obstacle IS NULL
    AND committed_at >= coalesce(%(since)s::timestamptz, '-infinity')
    AND committed_at < coalesce(%(until)s::timestamptz, 'infinity')
ORDER BY committed_at DESC
LIMIT %(limit)s;
