-- What the data suggested in a run, to one agency or to all. Called by store/oversight/quality.py.
SELECT s.agency_code, s.kind, s.facts
FROM motcua.quality_suggestions AS s
WHERE s.run_no = %(run_no)s AND coalesce(s.agency_code = %(agency_code)s::text, TRUE)
ORDER BY s.agency_code, s.kind
