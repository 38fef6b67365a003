-- Every code under which a source may know an agency, and from when on its dossiers are told of.
CREATE OR REPLACE VIEW motcua.agency_scopes AS
SELECT g.agency_code AS written, g.agency_code, g.enabled_from
FROM motcua.agencies AS g
UNION ALL
SELECT a.alias, a.agency_code, n.enabled_from
FROM motcua.agency_aliases AS a
INNER JOIN motcua.agencies AS n ON a.agency_code = n.agency_code;
COMMENT ON VIEW motcua.agency_scopes IS 'Every code under which a source may know an agency, and from when on its dossiers are told of.';
