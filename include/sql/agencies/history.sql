-- Every change of an agency, the first one first. Called by store/agencies.py.
SELECT
    change_id,
    changed_at,
    changed_by,
    by_department,
    before,
    after,
    silences
FROM motcua.agency_changes
WHERE agency_code = %(agency_code)s
ORDER BY change_id
