-- The names that agencies bore on a day, by what is known of their names now. Reads what auditors may read.
-- Called by store/oversight/publications.py.
SELECT
    a.agency_code,
    coalesce(
        (
            SELECT n.name FROM audit.agency_names AS n
            WHERE n.agency_code = a.agency_code AND n.valid_until >= %(day)s::date
            ORDER BY n.valid_until
            LIMIT 1
        ),
        a.name
    ) AS name
FROM audit.agencies AS a
