-- How many dossiers of the snapshot are of agencies that are not broken. Called by store/oversight/quality.py.
SELECT count(*) AS dossiers
FROM quality.dossier_facts AS f
WHERE f.agency_code <> all(%(broken_agencies)s::text[])
