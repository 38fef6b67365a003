-- Every code under which a source may know an agency. Called by store/agencies.py.
SELECT agency_code AS written, agency_code, province
FROM motcua.agencies
UNION ALL
SELECT a.alias, a.agency_code, g.province
FROM motcua.agency_aliases AS a
INNER JOIN motcua.agencies AS g USING (agency_code)
