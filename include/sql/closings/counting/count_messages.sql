-- Messages of [start, end) by agency, procedure, kind, state and reason at the cut-off, with the SMS segments of those
-- that a gateway took. Called by store/oversight/closings.py.
SELECT
    m.agency_code,
    m.procedure_code,
    m.kind,
    m.state,
    coalesce(m.reason, '') AS reason,
    count(*) AS messages,
    coalesce(
        sum(m.segments) FILTER (WHERE m.state IN ('accepted', 'delivered', 'undelivered', 'unconfirmed')), 0
    ) AS segments
FROM audit.messages_as_of(%(known_history)s) AS m
WHERE m.recorded_at >= %(start)s AND m.recorded_at < %(end)s
GROUP BY m.agency_code, m.procedure_code, m.kind, m.state, coalesce(m.reason, '')
