-- Findings of some rules that a run returned, and those that were fixed since an earlier one: of one agency, without
-- those of a whole source; of one rule; or all. The text of a phone field is for masking alone. Called by
-- store/oversight/quality.py.
SELECT
    f.finding_id,
    f.rule,
    f.agency_code,
    f.subject,
    f.since,
    f.facts,
    d.dossier_code,
    d.procedure_code,
    p.name AS procedure_name,
    coalesce(d.msisdn, d.applicant_phone) AS phone,
    e.opened_run,
    e.closed_run,
    e.again,
    e.deadline,
    e.department_on,
    first.as_of AS first_seen,
    opened.as_of AS opened_at,
    coalesce(closed_before.as_of, run.as_of) AS last_seen,
    a.acknowledged_by,
    a.why,
    a.until,
    a.acknowledged_at
FROM motcua.quality_runs AS run
INNER JOIN motcua.finding_episodes AS e
    ON
        run.run_no >= e.opened_run
        AND (coalesce(run.run_no < e.closed_run, TRUE) OR e.closed_run > %(fixed_since)s::bigint)
INNER JOIN motcua.findings AS f ON e.finding_id = f.finding_id
INNER JOIN motcua.quality_results AS r ON run.run_no = r.run_no AND f.rule = r.rule AND r.status = 'checked'
INNER JOIN motcua.quality_runs AS first ON f.first_run = first.run_no
INNER JOIN motcua.quality_runs AS opened ON e.opened_run = opened.run_no
LEFT JOIN LATERAL (
    SELECT c.as_of FROM motcua.quality_runs AS c
    WHERE c.run_no < e.closed_run AND e.closed_run <= run.run_no
    ORDER BY c.run_no DESC
    LIMIT 1
) AS closed_before ON TRUE
LEFT JOIN motcua.dossiers AS d ON f.dossier_id = d.dossier_id
LEFT JOIN motcua.procedures AS p ON d.procedure_code = p.procedure_code
LEFT JOIN LATERAL (
    SELECT k.acknowledged_by, k.why, k.until, k.acknowledged_at
    FROM motcua.finding_acknowledgements AS k
    WHERE k.finding_id = f.finding_id
    ORDER BY k.acknowledgement_id DESC
    LIMIT 1
) AS a ON run.day <= a.until
WHERE
    run.run_no = %(run_no)s::bigint
    AND NOT EXISTS (
        SELECT 1 FROM motcua.quality_withheld AS w WHERE w.run_no = run.run_no AND w.finding_id = f.finding_id
    )
    AND f.rule = any(%(rules)s::text[])
    AND coalesce(f.rule = %(rule)s::text, TRUE)
    AND coalesce(f.agency_code = %(agency_code)s::text, %(agency_code)s::text IS NULL)
ORDER BY array_position(%(rules)s::text[], f.rule), f.agency_code, f.since DESC NULLS LAST, f.finding_id
