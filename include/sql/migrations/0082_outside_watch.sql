-- depends: 0081_one_way_in
-- Add the table for the last report of a watch on another machine. A watch is a program that monitors a server. The
-- watch on the other machine checks this server through a page of the callbacks app, the web app that SMS gateways
-- call. After a time in which the whole system stood still, the watch's report shows whether the ledger was restored to
-- an earlier state meanwhile.
CREATE TABLE motcua.outside_watch (
    only_one boolean PRIMARY KEY DEFAULT TRUE CHECK (only_one),
    asked_at timestamptz NOT NULL,
    awake_since timestamptz,
    sees_since timestamptz,
    about timestamptz,
    lost_attempts integer CHECK (lost_attempts >= 0),
    seen_until timestamptz
);
