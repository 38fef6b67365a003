-- Read the runs of the data quality check, for reports, pages and commands. A run returns findings, the cases in which
-- data break a rule. An episode of a finding begins with the run that found it, and ends with the run that does not
-- find it any more. A finding may hold a phone field's text, which callers must mask. Called by
-- store/oversight/quality.py.

-- name: runs
-- Return runs, the newest first (motcua.quality_runs). The parameters run_id, day and run_no select runs; NULL selects
-- all.
SELECT
    run_no, run_id, as_of, day, working_day, since, data_as_of, rules, thresholds, dossiers, findings, broken,
    coalesce(content_hash, '') AS content_hash, coalesce(previous_seal, '') AS previous_seal,
    coalesce(seal, '') AS seal, sealed_at
FROM motcua.quality_runs
WHERE
    coalesce(run_id = %(run_id)s::text, TRUE) AND coalesce(day = %(day)s::date, TRUE)
    AND coalesce(run_no = %(run_no)s::bigint, TRUE)
ORDER BY run_no DESC
LIMIT %(most)s::bigint;

-- name: previous_run
-- Return the run with which a given run is compared: the last run of an earlier working day (motcua.quality_runs).
SELECT p.run_no
FROM motcua.quality_runs AS r
INNER JOIN motcua.quality_runs AS p ON r.run_no > p.run_no AND r.day > p.day AND p.working_day
WHERE r.run_no = %(run_no)s
ORDER BY p.day DESC, p.run_no DESC
LIMIT 1;

-- name: weekly_runs
-- Return the last run of each of the last weeks (Monday to Sunday) up to a run's week (motcua.quality_runs).
SELECT DISTINCT ON (date_trunc('week', p.day))
    date_trunc('week', p.day)::date AS week,
    p.run_no
FROM motcua.quality_runs AS r
INNER JOIN motcua.quality_runs AS p ON r.run_no >= p.run_no AND r.day >= p.day
WHERE r.run_no = %(run_no)s AND p.day > r.day - 7 * (%(weeks)s::integer + 1)
ORDER BY date_trunc('week', p.day), p.day DESC, p.run_no DESC;

-- name: results
-- Return the result of each rule in some runs (motcua.quality_results).
SELECT run_no, rule, status, broken_reason, found, rows_hash
FROM motcua.quality_results
WHERE run_no = any(%(run_nos)s)
ORDER BY run_no, rule;

-- name: counts
-- Return the number of findings by rule and agency in some runs, for one agency or all (motcua.quality_counts).
SELECT run_no, rule, agency_code, found, acknowledged, remind_agency, remind_department
FROM motcua.quality_counts
WHERE run_no = any(%(run_nos)s) AND (%(agency_code)s::text IS NULL OR agency_code = %(agency_code)s)
ORDER BY run_no, rule, agency_code;

-- name: counts_by_rule
-- Return the number of findings by rule in some runs, summed over all agencies (motcua.quality_counts).
SELECT
    c.run_no,
    c.rule,
    NULL AS agency_code,
    sum(c.found) AS found,
    sum(c.acknowledged) AS acknowledged,
    sum(c.remind_agency) AS remind_agency,
    sum(c.remind_department) AS remind_department
FROM motcua.quality_counts AS c
WHERE c.run_no = any(%(run_nos)s)
GROUP BY c.run_no, c.rule
ORDER BY c.run_no, c.rule;

-- name: found_by_agency
-- Return the number of findings of some rules by agency in one run, for all agencies (motcua.quality_counts).
SELECT agency_code, sum(found)::bigint AS found
FROM motcua.quality_counts
WHERE run_no = %(run_no)s AND rule = any(%(rules)s::text[]) AND agency_code IS NOT NULL
GROUP BY agency_code
ORDER BY agency_code;

-- name: changes
-- Return by rule and agency how many findings are new in a run, have come back, or are fixed, compared with an earlier
-- run (motcua.finding_episodes).
SELECT
    f.rule,
    f.agency_code,
    count(*) FILTER (WHERE e.opened_run > %(since_run)s AND l.stands AND NOT e.again) AS new,
    count(*) FILTER (WHERE e.opened_run > %(since_run)s AND l.stands AND e.again) AS back,
    count(*) FILTER (
        WHERE
        e.opened_run <= %(since_run)s AND NOT l.stands
        AND NOT EXISTS (
            SELECT 1 FROM motcua.finding_episodes AS n
            WHERE
                n.finding_id = e.finding_id AND n.opened_run > e.opened_run AND n.opened_run <= %(run_no)s
                AND coalesce(n.closed_run > %(run_no)s, TRUE)
        )
    ) AS fixed
FROM motcua.finding_episodes AS e
INNER JOIN motcua.findings AS f ON e.finding_id = f.finding_id
INNER JOIN motcua.quality_results AS r ON f.rule = r.rule AND r.run_no = %(run_no)s AND r.status = 'checked'
CROSS JOIN LATERAL (SELECT coalesce(e.closed_run > %(run_no)s, TRUE) AS stands) AS l
WHERE
    (
        (e.opened_run > %(since_run)s AND e.opened_run <= %(run_no)s)
        OR (e.opened_run <= %(since_run)s AND e.closed_run > %(since_run)s AND e.closed_run <= %(run_no)s)
    )
    AND NOT EXISTS (
        SELECT 1 FROM motcua.quality_withheld AS w WHERE w.run_no = %(run_no)s AND w.finding_id = f.finding_id
    )
GROUP BY f.rule, f.agency_code;

-- name: rows
-- Return a run's findings of some rules, and the findings that were fixed since an earlier run (motcua.findings). The
-- parameters agency_code and rule select findings; NULL selects all. Findings about a whole source have no agency.
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
ORDER BY array_position(%(rules)s::text[], f.rule), f.agency_code, f.since DESC NULLS LAST, f.finding_id;

-- name: urgent_rows
-- Return a page of a run's findings of some rules, for one agency or all, the most urgent first (motcua.findings).
-- reports/quality/urgency.py defines the order, for which the parameter "rules" must list the most severe rule first.
-- The parameter standing names a state of findings (quality/choosing.py); NULL selects all open findings. For a state,
-- the query returns the same findings as the run's report. Acknowledgements after the run's end (sealed_at) count only
-- for the state 'acknowledged'. The result has a finding's last acknowledgement if the acknowledgement holds on the
-- run's day.
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
INNER JOIN motcua.finding_episodes AS e ON run.run_no >= e.opened_run
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
LEFT JOIN LATERAL (
    SELECT k.until
    FROM motcua.finding_acknowledgements AS k
    WHERE k.finding_id = f.finding_id AND k.acknowledged_at <= run.sealed_at
    ORDER BY k.acknowledgement_id DESC
    LIMIT 1
) AS sealed ON run.day <= sealed.until
WHERE
    run.run_no = %(run_no)s::bigint
    AND CASE
        WHEN coalesce(%(standing)s::text <> 'fixed', TRUE) THEN coalesce(e.closed_run > run.run_no, TRUE)
        ELSE
            e.opened_run <= %(since_run)s::bigint AND e.closed_run > %(since_run)s::bigint
            AND e.closed_run <= run.run_no
            AND NOT EXISTS (
                SELECT 1 FROM motcua.finding_episodes AS n
                WHERE
                    n.finding_id = e.finding_id AND n.opened_run > e.opened_run AND n.opened_run <= run.run_no
                    AND coalesce(n.closed_run > run.run_no, TRUE)
            )
    END
    AND NOT EXISTS (
        SELECT 1 FROM motcua.quality_withheld AS w WHERE w.run_no = run.run_no AND w.finding_id = f.finding_id
    )
    AND f.rule = any(%(rules)s::text[])
    AND (%(agency_code)s::text IS NULL OR f.agency_code = %(agency_code)s)
    AND CASE %(standing)s::text
        WHEN 'to_do' THEN sealed.until IS NULL
        WHEN 'acknowledged' THEN coalesce(sealed.until, a.until) IS NOT NULL
        WHEN 'acknowledged_then' THEN sealed.until IS NOT NULL
        WHEN 'new' THEN coalesce(e.opened_run > %(since_run)s AND NOT e.again, %(since_run)s::bigint IS NULL)
        WHEN 'back' THEN coalesce(e.opened_run > %(since_run)s AND e.again, FALSE)
        WHEN 'arrived' THEN coalesce(e.opened_run > %(since_run)s, TRUE)
        WHEN 'standing' THEN coalesce(e.opened_run <= %(since_run)s, FALSE)
        WHEN 'late' THEN sealed.until IS NULL AND e.deadline < run.day
        WHEN 'late_for_department' THEN sealed.until IS NULL AND e.department_on < run.day
        ELSE TRUE
    END
ORDER BY
    sealed.until IS NOT NULL,
    CASE
        WHEN sealed.until IS NOT NULL OR e.deadline IS NULL OR run.day <= e.deadline THEN 2
        WHEN run.day <= e.department_on THEN 1
        ELSE 0
    END,
    array_position(%(rules)s::text[], f.rule),
    e.deadline NULLS FIRST,
    coalesce(d.dossier_code, f.subject) COLLATE "C",  -- noqa: RF03
    f.finding_id
LIMIT %(most)s OFFSET %(skipped)s;

-- name: shares
-- Return from a run the shares of dossiers whose phone number may be texted, for one agency or all
-- (motcua.quality_shares). The newest month comes first. Shares of groups with fewer dossiers than a limit are left
-- out.
SELECT
    s.agency_code,
    s.dimension,
    s.key,
    coalesce(p.name, s.key) AS name,
    s.month,
    s.dossiers,
    s.textable,
    s.previous_dossiers,
    s.previous_textable
FROM motcua.quality_shares AS s
LEFT JOIN motcua.procedures AS p ON s.dimension = 'procedure' AND s.key = p.procedure_code
WHERE
    s.run_no = %(run_no)s
    AND s.dossiers >= %(least)s
    AND coalesce(s.agency_code = %(agency_code)s::text, TRUE)
ORDER BY s.month DESC, s.dimension, s.textable::numeric / s.dossiers, s.dossiers DESC, s.agency_code, s.key;

-- name: suggestions
-- Return the suggestions that a run derived from the data, for one agency or all (motcua.quality_suggestions).
SELECT s.agency_code, s.kind, s.facts
FROM motcua.quality_suggestions AS s
WHERE s.run_no = %(run_no)s AND coalesce(s.agency_code = %(agency_code)s::text, TRUE)
ORDER BY s.agency_code, s.kind;

-- name: sources
-- Return for one run when each source was last read and how many of its rows could not be used
-- (motcua.quality_sources).
SELECT s.name AS source, q.picked_up_at, q.last_transition_at, q.quarantined, q.failing
FROM motcua.quality_sources AS q
INNER JOIN motcua.sources AS s ON q.source_id = s.source_id
WHERE q.run_no = %(run_no)s
ORDER BY s.name;

-- name: checked_agencies
-- Return how many dossiers of each agency were checked in some runs (motcua.quality_agencies).
SELECT run_no, agency_code, dossiers, textable
FROM motcua.quality_agencies
WHERE run_no = any(%(run_nos)s)
ORDER BY run_no, agency_code;

-- name: broken_agencies
-- Return the agencies whose part of the snapshot (the checked copy of the ledger) was faulty in some runs, with the
-- fault (motcua.quality_broken_agencies).
SELECT run_no, agency_code, fault
FROM motcua.quality_broken_agencies
WHERE run_no = any(%(run_nos)s)
ORDER BY run_no, agency_code, fault;
