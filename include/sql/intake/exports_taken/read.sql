-- Files of a source that were read, as they were then. Called by store/intake/exports.py.
SELECT
    e.name,
    e.size,
    e.modified_at
FROM intake.exports AS e
WHERE e.source = %(source)s AND e.state NOT IN ('waiting', 'removed') AND e.name = any(%(names)s)
