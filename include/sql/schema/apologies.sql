-- The evenings on which an agency's apologies are planned, at 17:30. An apology is a message that a result will be
-- late. Each evening is stored with its outcome, with the numbers of the newest rows of the ledger that counted, and
-- with the time until which an apology is useful.

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
    run_no bigint DEFAULT nullif(current_setting('motcua.run', TRUE), '')::bigint,
    PRIMARY KEY (agency_code, day),
    CHECK (settled_at >= evening_at),
    CHECK ((state = 'day_off') = (first_due IS NULL)),
    CHECK ((first_due IS NULL) = (last_due IS NULL) AND (first_due IS NULL) = (useful_until IS NULL)),
    CHECK (first_due > day AND last_due >= first_due),
    CHECK (queued = 0 OR state = 'done')
);
CREATE INDEX apology_evenings_moment ON motcua.apology_evenings (evening_at);
CREATE INDEX apology_evenings_due ON motcua.apology_evenings (agency_code, last_due);
CREATE INDEX apology_evenings_run ON motcua.apology_evenings (run_no) WHERE run_no IS NOT NULL;
COMMENT ON TABLE motcua.apology_evenings IS 'Evenings on which an agency''s apologies (messages that a result will be late) were planned, came too late, or were not needed on a day off; append-only.';
COMMENT ON COLUMN motcua.apology_evenings.agency_code IS 'The agency whose apologies the evening is about.';
COMMENT ON COLUMN motcua.apology_evenings.day IS 'Calendar day of the evening, in Vietnam''s time zone.';
COMMENT ON COLUMN motcua.apology_evenings.evening_at IS 'The time 17:30 of the evening. Dossiers are judged in the state that they had at this time.';
COMMENT ON COLUMN motcua.apology_evenings.apology_day IS 'The agency''s setting apology_day on that evening: calendar or working_day.';
COMMENT ON COLUMN motcua.apology_evenings.state IS 'State: done: apologies were planned; missed: the evening was processed when it was too late to text anybody; day_off: no dossiers were selected, because the agency has the setting working_day and the evening is on a day off.';
COMMENT ON COLUMN motcua.apology_evenings.first_due IS 'First due date that the evening''s apologies are about; empty if the state is day_off.';
COMMENT ON COLUMN motcua.apology_evenings.last_due IS 'Last due date that the evening''s apologies are about. With the setting working_day, it is the next working day; due dates on the days off before that day take effect on it.';
COMMENT ON COLUMN motcua.apology_evenings.useful_until IS 'Time from which an apology is too late: when the desk opens on last_due or, if quiet hours (in which nobody is texted) last until then, when these quiet hours begin.';
COMMENT ON COLUMN motcua.apology_evenings.settled_at IS 'When the evening was settled: its state and its apologies were stored.';
COMMENT ON COLUMN motcua.apology_evenings.known_transition IS 'Largest number of a transition that the ledger had when the evening was settled. Transitions that were stored later did not count.';
COMMENT ON COLUMN motcua.apology_evenings.known_version IS 'Largest number of a dossier''s version (dossier_versions) that the ledger had when the evening was settled.';
COMMENT ON COLUMN motcua.apology_evenings.looked_at IS 'Number of dossiers that had a due date from first_due to last_due in any of their versions.';
COMMENT ON COLUMN motcua.apology_evenings.queued IS 'Number of apologies that were queued on the evening.';
COMMENT ON COLUMN motcua.apology_evenings.suppressed IS 'Number of apologies that were stored as suppressed on the evening, because they may not be sent.';
COMMENT ON COLUMN motcua.apology_evenings.missed IS 'Number of apologies that could not be sent, because it was too late or because the dossier''s source is no longer read.';
COMMENT ON COLUMN motcua.apology_evenings.run_no IS 'The run that settled the evening.';
