-- How fresh and how whole each source was, unless that could not be told. Called by store/oversight/quality.py.
INSERT INTO motcua.quality_sources (run_no, source_id, picked_up_at, last_transition_at, quarantined, failing)
SELECT
    %(run_no)s,
    f.source_id,
    f.picked_up_at,
    f.last_transition_at,
    f.unknown_codes + f.unusable_rows,
    f.failed_at IS NOT NULL
FROM quality.source_facts AS f
WHERE f.agency_code IS NULL AND '' <> all(%(broken_agencies)s::text[])
