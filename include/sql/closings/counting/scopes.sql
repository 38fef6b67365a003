-- Every code under which a source may know an agency, and from when on its dossiers are told of.
-- Called by store/oversight/closings.py.
SELECT
    written,
    enabled_from
FROM motcua.agency_scopes
