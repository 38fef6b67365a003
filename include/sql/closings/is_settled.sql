-- Whether every transaction from before the watermark has ended. Called by store/oversight/closings.py.
SELECT pg_snapshot_xmin(pg_current_snapshot()) >= %(horizon)s::text::xid8 AS is_settled
