-- Two tables about the watch. The watch is a process outside Airflow that raises an alert when it finds a fault. The
-- table alerts has a copy of the watch's alerts, for pages, acknowledgements and history. The table watch_life has the
-- watch's heartbeat. The watch also stores its alerts in a file outside the ledger, because the ledger may be down.

CREATE TABLE motcua.alerts (
    alert_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text NOT NULL CHECK (name ~ '^[a-z_]+$'),
    subject text NOT NULL,
    raised_at timestamptz NOT NULL,
    facts jsonb NOT NULL,
    told_at timestamptz,
    over_at timestamptz,
    over_told_at timestamptz,
    acknowledged_at timestamptz,
    acknowledged_by text CHECK (btrim(acknowledged_by) <> ''),
    UNIQUE (name, subject, raised_at),
    CHECK (over_at >= raised_at),
    CHECK ((acknowledged_at IS NULL) = (acknowledged_by IS NULL))
);
CREATE UNIQUE INDEX alerts_open ON motcua.alerts (name, subject) WHERE over_at IS NULL;
CREATE INDEX alerts_over ON motcua.alerts (over_at) WHERE over_at IS NOT NULL;
COMMENT ON TABLE motcua.alerts IS 'Copy of the alerts of the watch (the process that looks for faults), open and ended ones. The watch also stores the alerts in a file outside the ledger.';
COMMENT ON COLUMN motcua.alerts.alert_id IS 'Our number of the alert.';
COMMENT ON COLUMN motcua.alerts.name IS 'Name of the alert; each name has a page in docs/operations/alerts.';
COMMENT ON COLUMN motcua.alerts.subject IS 'What the alert is about: a source, a gateway or a folder; empty if the check concerns only one thing.';
COMMENT ON COLUMN motcua.alerts.raised_at IS 'When the watch raised the alert.';
COMMENT ON COLUMN motcua.alerts.facts IS 'Figures of the last check that found the fault; no personal data.';
COMMENT ON COLUMN motcua.alerts.told_at IS 'When the first recipient was informed; empty: nobody yet.';
COMMENT ON COLUMN motcua.alerts.over_at IS 'When the alert ended; empty: it is open.';
COMMENT ON COLUMN motcua.alerts.over_told_at IS 'When the first recipient was informed of the end.';
COMMENT ON COLUMN motcua.alerts.acknowledged_at IS 'When a person acknowledged the alert.';
COMMENT ON COLUMN motcua.alerts.acknowledged_by IS 'Person who acknowledged the alert.';

CREATE TABLE motcua.watch_life (
    only_one boolean PRIMARY KEY DEFAULT TRUE CHECK (only_one),
    began_at timestamptz NOT NULL,
    looked_at timestamptz NOT NULL,
    looks jsonb NOT NULL,
    recipients integer NOT NULL CHECK (recipients >= 0),
    unsent integer NOT NULL CHECK (unsent >= 0),
    unsent_since timestamptz,
    CHECK ((unsent = 0) = (unsent_since IS NULL))
);
COMMENT ON TABLE motcua.watch_life IS 'Heartbeat of the watch: one row, written after each round; no row if the watch never ran.';
COMMENT ON COLUMN motcua.watch_life.only_one IS 'Always true; the table has one row.';
COMMENT ON COLUMN motcua.watch_life.began_at IS 'Since when the watch has stored the results of its checks.';
COMMENT ON COLUMN motcua.watch_life.looked_at IS 'When the watch last ran its checks.';
COMMENT ON COLUMN motcua.watch_life.looks IS 'The checks of the watch''s last round, each with its state and figures.';
COMMENT ON COLUMN motcua.watch_life.recipients IS 'Number of mail addresses that the watch informs.';
COMMENT ON COLUMN motcua.watch_life.unsent IS 'Number of mails and HTTP posts about alerts that could not be sent yet.';
COMMENT ON COLUMN motcua.watch_life.unsent_since IS 'When the oldest of these mails and posts was made.';
