-- Keeps with a closing the agencies that are told by pushes: those that a client might write for at some moment of the
-- period, from when they were enabled on; those that the day's own count of such a source has, whoever may write for
-- them by now; and of what is longer than a day those of its days, whatever is read by now.
-- Called by store/intake/closings.py.
INSERT INTO motcua.closing_pushed (closing_no, source, agency_code)
SELECT %(closing_no)s::bigint, c.source, a.agency_code
FROM intake.clients AS c
INNER JOIN intake.client_changes AS h ON c.client_id = h.client_id
CROSS JOIN LATERAL unnest(h.agencies) AS u (agency_code)
INNER JOIN motcua.agencies AS a ON u.agency_code = a.agency_code
WHERE
    c.source = any(%(sources)s)
    AND h.change <> 'disabled'
    AND h.changed_at < %(end)s
    AND a.enabled_from < %(end)s
    AND NOT EXISTS (
        SELECT 1 FROM intake.client_changes AS l
        WHERE l.client_id = h.client_id AND l.change_id > h.change_id AND l.changed_at <= %(start)s
    )
UNION
SELECT %(closing_no)s::bigint, s.name, w.agency_code
FROM motcua.counted_occasions AS o
INNER JOIN motcua.sources AS s ON o.source_id = s.source_id
INNER JOIN motcua.agency_scopes AS w ON o.agency_written = w.written
WHERE %(is_day)s AND s.name = any(%(sources)s) AND w.agency_code IS NOT NULL
UNION
SELECT %(closing_no)s::bigint, p.source, p.agency_code
FROM motcua.closing_pushed AS p
WHERE p.closing_no = any(%(days)s)
