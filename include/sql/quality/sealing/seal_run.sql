-- Seals a run: it refuses change from now on. Called by store/oversight/quality.py.
UPDATE motcua.quality_runs
SET
    content_hash = %(content_hash)s,
    previous_seal = %(previous_seal)s,
    seal = %(seal)s,
    sealed_at = clock_timestamp()
WHERE run_no = %(run_no)s
