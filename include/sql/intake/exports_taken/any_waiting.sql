-- Whether a file of a source waits. Called by store/intake/exports.py.
SELECT exists(SELECT 1 FROM intake.exports AS e WHERE e.source = %(source)s AND e.state = 'waiting') AS waits
