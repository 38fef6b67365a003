-- Until the end of the transaction nobody else sends an export of this source, or sets its form, by a page. Called by
-- store/intake/exports.py.
SELECT pg_advisory_xact_lock(hashtext('intake.exports ' || %(source)s))
