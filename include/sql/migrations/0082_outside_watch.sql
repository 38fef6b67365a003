-- depends: 0081_one_way_in
-- Add the table for the last report of a watch on another machine, which checks this server through a page of the
-- callbacks app. A ledger that slept asks this watch whether the ledger was restored to an earlier state.
CREATE TABLE motcua.outside_watch (
    only_one boolean PRIMARY KEY DEFAULT TRUE CHECK (only_one),
    asked_at timestamptz NOT NULL,
    awake_since timestamptz,
    sees_since timestamptz,
    about timestamptz,
    lost_attempts integer CHECK (lost_attempts >= 0),
    seen_until timestamptz
);
COMMENT ON TABLE motcua.outside_watch IS 'The last word of a watch on another machine: one row, written at each of its looks; none where it never looked.';
COMMENT ON COLUMN motcua.outside_watch.only_one IS 'Always true.';
COMMENT ON COLUMN motcua.outside_watch.asked_at IS 'When it last looked.';
COMMENT ON COLUMN motcua.outside_watch.awake_since IS 'Since when it has looked without a pause, by its own clock.';
COMMENT ON COLUMN motcua.outside_watch.sees_since IS 'Since when it has seen whatever senders did, by its own clock.';
COMMENT ON COLUMN motcua.outside_watch.about IS 'The waking of the ledger that it was asked about; empty: none.';
COMMENT ON COLUMN motcua.outside_watch.lost_attempts IS 'Where it had seen a later state: numbers of attempts that are missing; empty: it had not, or that was acted on.';
COMMENT ON COLUMN motcua.outside_watch.seen_until IS 'When it saw them.';
