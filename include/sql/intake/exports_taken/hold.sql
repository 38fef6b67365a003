-- Holds a source's exports and a file that waits, for the rest of the transaction; no row: it waits no more. Called by
-- store/intake/exports.py.
SELECT e.export_no
FROM intake.exports AS e
INNER JOIN intake.clients AS c ON e.source = c.name AND e.source = c.source
WHERE e.export_no = %(export_no)s AND e.state = 'waiting'
FOR NO KEY UPDATE
