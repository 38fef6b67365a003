-- How many of the newest files of a source became what. Called by store/intake/exports.py.
SELECT
    n.state,
    count(*) AS files
FROM (
    SELECT e.state
    FROM intake.exports AS e
    WHERE e.source = %(source)s
    ORDER BY e.export_no DESC
    LIMIT %(most)s
) AS n
GROUP BY n.state
