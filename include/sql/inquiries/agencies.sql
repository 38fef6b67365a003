-- Every code and alias of an agency, by its key, as a citizen may name it. Called by store/notices/inquiries.py.
SELECT
    motcua.code_key(agency_code) AS code_key,
    agency_code
FROM motcua.agencies
UNION ALL
SELECT
    motcua.code_key(alias) AS code_key,
    agency_code
FROM motcua.agency_aliases
