-- What the sources counted in several closings together, and by how much these do not meet, by agency, procedure and
-- kind, in their order. Called by store/oversight/closings.py.
SELECT
    m.agency_code,
    m.procedure_code,
    m.kind,
    sum(m.at_source)::bigint AS at_source,
    sum(m.out_of_scope)::bigint AS out_of_scope,
    sum(m.difference)::bigint AS difference
FROM audit.closing_messages AS m
WHERE m.closing_no = any(%(closing_nos)s)
GROUP BY m.agency_code, m.procedure_code, m.kind
ORDER BY m.agency_code, m.procedure_code, m.kind
