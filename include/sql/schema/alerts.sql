-- What the watch saw is kept outside, since the ledger may be what is down; here is its mirror, for pages, for
-- acknowledging and for history, and the sign that the watch lives.

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
COMMENT ON TABLE motcua.alerts IS 'Alerts of the watch, open ones and those that are over. It keeps them itself; this is their mirror.';
COMMENT ON COLUMN motcua.alerts.alert_id IS 'Our number.';
COMMENT ON COLUMN motcua.alerts.name IS 'What is wrong; each name has a page in docs/operations/alerts.';
COMMENT ON COLUMN motcua.alerts.subject IS 'Of what: a source, a gateway, a folder; empty where there is only one.';
COMMENT ON COLUMN motcua.alerts.raised_at IS 'When it was sure.';
COMMENT ON COLUMN motcua.alerts.facts IS 'Figures, as last seen; no personal data.';
COMMENT ON COLUMN motcua.alerts.told_at IS 'When the first recipient was reached; empty: nobody yet.';
COMMENT ON COLUMN motcua.alerts.over_at IS 'When it was over; empty: it is open.';
COMMENT ON COLUMN motcua.alerts.over_told_at IS 'When the first recipient was told that it is over.';
COMMENT ON COLUMN motcua.alerts.acknowledged_at IS 'When somebody said that they look after it.';
COMMENT ON COLUMN motcua.alerts.acknowledged_by IS 'Who.';

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
COMMENT ON TABLE motcua.watch_life IS 'The sign that the watch lives: one row, written each time it has looked; none where it never ran.';
COMMENT ON COLUMN motcua.watch_life.only_one IS 'Always true.';
COMMENT ON COLUMN motcua.watch_life.began_at IS 'Since when it keeps what it saw.';
COMMENT ON COLUMN motcua.watch_life.looked_at IS 'When it last looked.';
COMMENT ON COLUMN motcua.watch_life.looks IS 'What it looked at, each with its state and figures.';
COMMENT ON COLUMN motcua.watch_life.recipients IS 'How many mail addresses it tells.';
COMMENT ON COLUMN motcua.watch_life.unsent IS 'Mails and posts that could not be sent yet.';
COMMENT ON COLUMN motcua.watch_life.unsent_since IS 'When the oldest of them was made.';
