-- A run that is not sealed yet. Called by store/oversight/quality.py.
INSERT INTO motcua.quality_runs (
    run_id, as_of, day, working_day, since, data_as_of, rules, thresholds, software, dossiers, findings, broken
)
SELECT
    %(run_id)s,
    %(as_of)s,
    %(day)s,
    coalesce((SELECT bool_or(d.working) FROM quality.days AS d WHERE d.day = %(day)s::date), TRUE),
    %(since)s,
    %(data_as_of)s,
    %(rules)s,
    %(thresholds)s,
    %(software)s,
    %(dossiers)s,
    (SELECT count(*) FROM quality.found),
    %(broken)s
RETURNING run_no
