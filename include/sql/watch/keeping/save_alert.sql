-- Mirrors an alert of the watch; an acknowledgement that the ledger has stays. Called by store/watching/watch.py.
INSERT INTO motcua.alerts (
    name, subject, raised_at, facts, told_at, over_at, over_told_at, acknowledged_at, acknowledged_by
)
VALUES (
    %(name)s, %(subject)s, %(raised_at)s, %(facts)s, %(told_at)s, %(over_at)s, %(over_told_at)s, %(acknowledged_at)s,
    %(acknowledged_by)s
)
ON CONFLICT (name, subject, raised_at) DO UPDATE SET
    facts = excluded.facts,
    told_at = excluded.told_at,
    over_at = coalesce(alerts.over_at, excluded.over_at),
    over_told_at = excluded.over_told_at,
    acknowledged_at = coalesce(alerts.acknowledged_at, excluded.acknowledged_at),
    acknowledged_by = coalesce(alerts.acknowledged_by, excluded.acknowledged_by)
