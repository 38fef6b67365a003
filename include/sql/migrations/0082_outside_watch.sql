-- depends: 0081_one_way_in
-- Add the table for the last report of a watch on another machine. A watch is a program that monitors a server. That
-- watch checks this server through a page of the callbacks app, the web app that SMS gateways call. After a time in
-- which the whole system stood still, this server asks that watch whether the ledger was restored to an earlier state
-- meanwhile.
CREATE TABLE motcua.outside_watch (
    only_one boolean PRIMARY KEY DEFAULT TRUE CHECK (only_one),
    asked_at timestamptz NOT NULL,
    awake_since timestamptz,
    sees_since timestamptz,
    about timestamptz,
    lost_attempts integer CHECK (lost_attempts >= 0),
    seen_until timestamptz
);
COMMENT ON TABLE motcua.outside_watch IS 'The last report of a watch on another machine: one row, written in each of its rounds; no row if there was no report.';
COMMENT ON COLUMN motcua.outside_watch.only_one IS 'Always true; the table has one row.';
COMMENT ON COLUMN motcua.outside_watch.asked_at IS 'When the watch last reported.';
COMMENT ON COLUMN motcua.outside_watch.awake_since IS 'Since when the watch has run without a pause, by its own clock.';
COMMENT ON COLUMN motcua.outside_watch.sees_since IS 'Since when the watch has seen everything that senders did, by its own clock.';
COMMENT ON COLUMN motcua.outside_watch.about IS 'End of the pause of the ledger about which this server asked the watch; empty: it asked about none, or a sender has acted on the report.';
COMMENT ON COLUMN motcua.outside_watch.lost_attempts IS 'Number of attempts that the watch had seen and the ledger now lacks; empty: the watch had not seen a later state of the ledger than the present one, or a sender has acted on the report.';
COMMENT ON COLUMN motcua.outside_watch.seen_until IS 'When the watch last saw the missing attempts in the ledger.';
