-- Whether an evening was settled meanwhile. Called by store/notices/apologies.py.
SELECT EXISTS(
    SELECT 1 FROM motcua.apology_evenings
    WHERE agency_code = %(agency_code)s AND day = %(day)s
) AS is_settled
