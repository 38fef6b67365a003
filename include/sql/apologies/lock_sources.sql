-- Waits until no pick-up is at work on these sources, and lets none begin until the transaction ends: what is known of
-- their dossiers stands still meanwhile. Called by store/notices/apologies.py.
SELECT pg_advisory_xact_lock(hashtext('pick-ups of sources'), s.source_id) IS NOT NULL AS held
FROM (
    SELECT k.source_id FROM motcua.sources AS k
    WHERE k.name = any(%(names)s)
    ORDER BY k.source_id
) AS s
