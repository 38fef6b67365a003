-- Store the state of the demo's simulated world and what truly happens in it: the clock, the dossiers, their planned
-- acts, the true events, and the messages that citizens must get. A separate database has this data, and the system
-- itself never reads that database. Called by sandbox/world/clockwork.py, sandbox/world/writers.py (schema) and
-- sandbox/latency.py (notices).

-- name: schema
-- Create the tables of the true events (schema truth), which tests compare with the ledger, and of the simulator's own
-- state (schema world). sandbox/world/writers.py runs this statement repeatedly. Existing objects are not changed.
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
COMMENT ON TABLE truth.events IS 'What truly happens to the demo''s dossiers, at the desk and in the one-stop software. Agencies and dossiers have their true codes, even if the source contains other ones.';
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
COMMENT ON TABLE truth.expected_notices IS 'Entries of dossiers into the condition that calls for a message.';
COMMENT ON COLUMN truth.expected_notices.occurred_at IS 'When the official entered the step, by a clock that is right.';
COMMENT ON COLUMN truth.expected_notices.transition_id IS 'Number of the transition at the source that shows the entry into the condition.';
COMMENT ON COLUMN truth.expected_notices.committed_at IS 'When that transition was committed at the source and could be read.';
COMMENT ON COLUMN truth.expected_notices.plannable_at
IS 'When the source showed all rows that the system needs to plan (insert) the message; empty: not yet.';
COMMENT ON COLUMN truth.expected_notices.obstacle IS 'Fact that prevents or prevented the message; empty: nothing.';
COMMENT ON COLUMN truth.expected_notices.left_at IS 'When the dossier left the condition again.';
COMMENT ON COLUMN truth.expected_notices.truthful IS 'Whether the dossier on paper was really in the condition when the official entered the step.';
COMMENT ON COLUMN truth.expected_notices.phone_kind IS 'Kind of content that the phone field had when the dossier entered the condition.';
COMMENT ON COLUMN truth.expected_notices.owner_number IS 'Number at which the applicant can really be texted, E.164.';

CREATE SCHEMA IF NOT EXISTS world;

CREATE TABLE IF NOT EXISTS world.clock (
    the_only boolean PRIMARY KEY DEFAULT TRUE CHECK (the_only),
    began_at timestamptz NOT NULL,
    alive_at timestamptz NOT NULL,
    starts integer NOT NULL
);
COMMENT ON TABLE world.clock
IS 'When the simulated world began and when it last ran. Its time stops while the simulator is stopped.';

CREATE TABLE IF NOT EXISTS world.dossiers (
    dossier_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    agency_code text NOT NULL,
    dossier_code text NOT NULL,
    memory jsonb NOT NULL,
    UNIQUE (agency_code, dossier_code)
);
COMMENT ON TABLE world.dossiers IS 'Dossiers as the simulated world knows them.';

CREATE TABLE IF NOT EXISTS world.agenda (
    action_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    dossier_id bigint NOT NULL REFERENCES world.dossiers,
    due_at timestamptz NOT NULL,
    act jsonb NOT NULL
);
COMMENT ON TABLE world.agenda IS 'Planned acts: what is going to happen to each dossier, and when.';
CREATE INDEX IF NOT EXISTS agenda_due ON world.agenda (due_at, action_id);
CREATE INDEX IF NOT EXISTS agenda_dossier ON world.agenda (dossier_id, due_at);

CREATE TABLE IF NOT EXISTS world.serials (
    agency_code text NOT NULL,
    series text NOT NULL,
    last integer NOT NULL,
    PRIMARY KEY (agency_code, series)
);
COMMENT ON TABLE world.serials IS 'Last number in each series of dossier codes.';

REVOKE ALL ON SCHEMA public FROM public;

-- name: clear
-- Delete the simulated world, for example one whose creation was interrupted (truth.events, truth.expected_notices,
-- world.agenda, world.dossiers, world.serials).
TRUNCATE truth.events, truth.expected_notices, world.agenda, world.dossiers, world.serials RESTART IDENTITY;

-- name: begin
-- Record that the simulated world begins now (world.clock). The caller has written the world's past before, with older
-- dossiers.
INSERT INTO world.clock (began_at, alive_at, starts) VALUES (%(now)s, %(now)s, 1);

-- name: read_clock
-- Return when the simulated world began and when it last ran (world.clock). No row means that the world has not begun.
SELECT
    began_at,
    alive_at,
    starts
FROM world.clock;

-- name: keep_alive
-- Set the time at which the simulated world last ran to now (world.clock).
UPDATE world.clock SET alive_at = %(now)s;

-- name: stand_still
-- Postpone all planned acts by the time for which the simulated world was stopped (world.agenda).
UPDATE world.agenda SET due_at = due_at + %(pause)s;

-- name: wake
-- Set the time at which the simulated world last ran to now, and return how often the world was started, including this
-- start (world.clock).
UPDATE world.clock SET alive_at = %(now)s, starts = starts + 1 RETURNING starts;

-- name: next_serial
-- Return the next number of a series of dossier codes (world.serials).
INSERT INTO world.serials (agency_code, series, last) VALUES (%(agency_code)s, %(series)s, 1)
ON CONFLICT (agency_code, series) DO UPDATE SET last = serials.last + 1
RETURNING last;

-- name: add_dossier
-- Insert a new dossier and return its number (world.dossiers).
INSERT INTO world.dossiers (agency_code, dossier_code, memory)
VALUES (%(agency_code)s, %(dossier_code)s, %(memory)s)
RETURNING dossier_id;

-- name: lock_dossier
-- Return a dossier's state and lock the dossier until this transaction ends (world.dossiers).
SELECT memory FROM world.dossiers
WHERE dossier_id = %(dossier_id)s
FOR UPDATE;

-- name: find_dossier
-- Return the dossier of an agency with exactly this code, and lock the dossier until this transaction ends
-- (world.dossiers). The statement runs when a visitor of the demo acts as an official of an agency.
SELECT
    dossier_id,
    memory
FROM world.dossiers
WHERE agency_code = %(agency_code)s AND dossier_code = %(dossier_code)s
FOR UPDATE;

-- name: save_dossier
-- Write a dossier's new state (world.dossiers).
UPDATE world.dossiers SET memory = %(memory)s
WHERE dossier_id = %(dossier_id)s;

-- name: add_act
-- Insert a planned act and return its number (world.agenda).
INSERT INTO world.agenda (dossier_id, due_at, act) VALUES (%(dossier_id)s, %(due_at)s, %(act)s)
RETURNING action_id;

-- name: count_agenda
-- Return the number of planned acts (world.agenda).
SELECT count(*) AS planned FROM world.agenda;

-- name: due_acts
-- Return the acts that are due, the oldest first (world.agenda).
SELECT
    action_id,
    dossier_id
FROM world.agenda
WHERE due_at <= %(now)s
ORDER BY due_at, action_id
LIMIT 200;

-- name: take_act
-- Delete one planned act and return it (world.agenda). No row means that a visitor of the demo has taken over the
-- dossier, so that the act was deleted.
DELETE FROM world.agenda
WHERE action_id = %(action_id)s
RETURNING act;

-- name: halves_of_dossier
-- Return the planned acts that write the second half of a move of a dossier, the oldest first (world.agenda). A move is
-- a change of status. Its two halves are the dossier's new row and the transition. The simulator may write the halves
-- some seconds apart.
SELECT action_id FROM world.agenda
WHERE dossier_id = %(dossier_id)s AND act ->> 'kind' = 'write'
ORDER BY due_at, action_id;

-- name: forget_plans
-- Delete the planned acts of a dossier that a visitor of the demo has taken over, except the act that makes the
-- dossier's row appear at the source (world.agenda).
DELETE FROM world.agenda
WHERE dossier_id = %(dossier_id)s AND act ->> 'kind' <> 'reveal';

-- name: hurry
-- Let one official make at most twelve planned moves of one agency now, and return the dossiers (world.agenda). This
-- imitates officials who enter everything at the end of the day. Only dossiers whose next act is a move to status 9
-- (the result is ready) or 10 (the result was handed over) are chosen.
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
-- Insert a true event (truth.events).
INSERT INTO truth.events (at, source, agency_code, dossier_code, kind, detail)
VALUES (%(at)s, %(source)s, %(agency_code)s, %(dossier_code)s, %(kind)s, %(detail)s);

-- name: expect_notice
-- Record that a dossier entered a condition that requires a message, and that its source shows this condition
-- (truth.expected_notices). If nothing prevents the message (obstacle), the system can plan the message from now on.
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
-- Record that a dossier's row has appeared at the source, so that the system can plan the messages that waited for the
-- row (truth.expected_notices).
UPDATE truth.expected_notices SET plannable_at = %(now)s
WHERE
    agency_code = %(agency_code)s
    AND dossier_code = %(dossier_code)s
    AND obstacle = 'no_dossier_row'
    AND plannable_at IS NULL;

-- name: leave_condition
-- Record that a dossier has left the condition that requires a message (truth.expected_notices).
UPDATE truth.expected_notices SET left_at = %(now)s
WHERE
    agency_code = %(agency_code)s
    AND dossier_code = %(dossier_code)s
    AND kind = %(kind)s
    AND left_at IS NULL;

-- name: notices
-- Return the latest expected messages that nothing prevented (truth.expected_notices), each with the transition that
-- requires the message and the time at which the source committed the transition. Only transitions that were committed
-- between two times are returned.
SELECT source, transition_id, committed_at
FROM truth.expected_notices
WHERE
    obstacle IS NULL
    AND committed_at >= coalesce(%(since)s::timestamptz, '-infinity')
    AND committed_at < coalesce(%(until)s::timestamptz, 'infinity')
ORDER BY committed_at DESC
LIMIT %(limit)s;
