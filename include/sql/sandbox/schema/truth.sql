-- What truly happens in the sandbox, for judging the system against it, and the simulator's own memory.
-- Nobody but the simulator may connect.
-- Run again and again by sandbox/world/one_stop.py; changes nothing that is there.

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
