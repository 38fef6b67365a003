-- Write the changes of findings, which are the faults that the rules of data quality find. An episode of a finding
-- begins with the run that found it, and ends with the run that does not find it any more. Called by
-- store/oversight/quality.py.

-- name: withhold_findings
-- Insert the open findings of broken agencies as withheld (motcua.quality_withheld). An agency is broken in a run if
-- its part of the snapshot is faulty. The run neither confirms withheld findings nor counts them as fixed. A finding
-- about a dossier belongs to the agency that is in charge of the dossier now. The findings about a dossier that has
-- moved to an agency that is not broken are therefore not withheld.
INSERT INTO motcua.quality_withheld (run_no, finding_id)
SELECT %(run_no)s, e.finding_id
FROM motcua.finding_episodes AS e
INNER JOIN motcua.findings AS f ON e.finding_id = f.finding_id
LEFT JOIN motcua.dossiers AS d ON f.dossier_id = d.dossier_id
WHERE
    e.closed_run IS NULL AND f.rule = any(%(checked)s)
    AND coalesce(
        CASE
            WHEN d.dossier_id IS NULL THEN f.agency_code
            ELSE
                coalesce(
                    (SELECT min(a.answers) FROM quality.agencies AS a WHERE a.agency_code = d.agency_code),
                    d.agency_code
                )
        END, ''
    ) = any(%(broken_agencies)s)
    AND NOT EXISTS (SELECT 1 FROM quality.found AS n WHERE n.rule = f.rule AND n.subject = f.subject);

-- name: add_findings
-- Insert the findings that no run returned before (motcua.findings).
INSERT INTO motcua.findings (rule, subject, level, agency_code, dossier_id, since, facts, first_run)
SELECT
    n.rule,
    n.subject,
    n.level,
    n.agency_code,
    CASE n.level WHEN 'dossier' THEN n.subject::bigint END,
    n.since,
    n.facts,
    %(run_no)s
FROM quality.found AS n
WHERE NOT EXISTS (SELECT 1 FROM motcua.findings AS f WHERE f.rule = n.rule AND f.subject = n.subject);

-- name: change_findings
-- Update known findings with the agency, time and facts of this run (motcua.findings).
UPDATE motcua.findings AS f
SET agency_code = n.agency_code, since = n.since, facts = n.facts
FROM quality.found AS n
WHERE
    f.rule = n.rule AND f.subject = n.subject
    AND (f.agency_code, f.since, f.facts) IS DISTINCT FROM (n.agency_code, n.since, n.facts);

-- name: open_episodes
-- Open an episode for each finding of this run that has no open episode (motcua.finding_episodes). Deadlines are
-- counted in working days of the agency. The day of the run counts too if it is a working day.
INSERT INTO motcua.finding_episodes (finding_id, opened_run, again, deadline, department_on)
WITH deadlines AS (
    SELECT r.rule, c.calendar, a.day AS deadline, b.day AS department_on
    FROM jsonb_to_recordset(%(deadlines)s::jsonb) AS r (rule text, agency integer, department integer)
    CROSS JOIN (
        SELECT d.calendar, d.nth FROM quality.days AS d WHERE d.day = %(day)s::date - 1
    ) AS c
    INNER JOIN quality.days AS a ON c.calendar = a.calendar AND a.working AND c.nth + r.agency = a.nth
    INNER JOIN quality.days AS b ON c.calendar = b.calendar AND b.working AND c.nth + r.agency + r.department = b.nth
)

SELECT
    f.finding_id,
    %(run_no)s,
    p.finding_id IS NOT NULL,
    d.deadline,
    d.department_on
FROM quality.found AS n
INNER JOIN motcua.findings AS f ON n.rule = f.rule AND n.subject = f.subject
LEFT JOIN motcua.finding_episodes AS o ON f.finding_id = o.finding_id AND o.closed_run IS NULL
LEFT JOIN (
    SELECT DISTINCT e.finding_id FROM motcua.finding_episodes AS e
) AS p ON f.finding_id = p.finding_id
LEFT JOIN quality.agencies AS g ON n.agency_code = g.agency_code
LEFT JOIN deadlines AS d
    ON n.rule = d.rule AND d.calendar = coalesce(g.calendar, (SELECT min(x.calendar) FROM quality.days AS x))
WHERE o.finding_id IS NULL;

-- name: close_episodes
-- Close the episodes of findings that the checked rules did not return in this run (motcua.finding_episodes). The
-- episodes of withheld findings stay open.
UPDATE motcua.finding_episodes AS e
SET closed_run = %(run_no)s
FROM motcua.findings AS f
WHERE
    e.closed_run IS NULL AND e.finding_id = f.finding_id AND f.rule = any(%(checked)s)
    AND NOT EXISTS (SELECT 1 FROM quality.found AS n WHERE n.rule = f.rule AND n.subject = f.subject)
    AND NOT EXISTS (
        SELECT 1 FROM motcua.quality_withheld AS w WHERE w.run_no = %(run_no)s AND w.finding_id = e.finding_id
    );

-- name: acknowledge
-- Acknowledge a finding up to a given day (motcua.finding_acknowledgements). The finding must belong to one of the
-- given agencies, unless the parameter agencies is NULL.
INSERT INTO motcua.finding_acknowledgements (finding_id, acknowledged_at, acknowledged_by, why, until)
SELECT f.finding_id, %(now)s, %(by)s, %(why)s, %(until)s
FROM motcua.findings AS f
WHERE f.finding_id = %(finding_id)s AND (%(agencies)s::text[] IS NULL OR f.agency_code = any(%(agencies)s))
RETURNING acknowledgement_id;

-- name: taken_back
-- Return by agency the number of results about which citizens were texted, and how many minutes the agency holds back
-- its result messages (motcua.messages, quality.dossier_facts). For the results that were revoked afterwards, also
-- return the minutes from each result to its revocation, in ascending order. A result that was handed over before the
-- revocation does not count as revoked.
WITH told AS (
    SELECT f.agency_code, count(*) AS told
    FROM motcua.messages AS m
    INNER JOIN quality.dossier_facts AS f ON m.dossier_id = f.dossier_id
    WHERE m.kind = 'result' AND m.accepted_at IS NOT NULL AND m.occurred_at >= %(since)s
    GROUP BY f.agency_code
),

taken_back AS (
    SELECT
        f.agency_code,
        array_agg(extract(EPOCH FROM b.occurred_at - m.occurred_at) / 60 ORDER BY b.occurred_at - m.occurred_at)
            AS minutes
    FROM quality.dossier_facts AS f
    INNER JOIN motcua.messages AS m ON f.dossier_id = m.dossier_id
    INNER JOIN motcua.transitions AS t ON m.transition_id = t.transition_id
    CROSS JOIN
        LATERAL (
            SELECT n.occurred_at, n.status_code
            FROM motcua.transitions AS n
            WHERE
                n.dossier_id = t.dossier_id
                AND (n.sequence, n.from_row, n.transition_id) > (t.sequence, t.from_row, t.transition_id)
                AND n.status_code <> 9
                AND NOT EXISTS (
                    SELECT 1 FROM motcua.old_steps AS o
                    WHERE o.transition_id = n.transition_id AND o.has_force IS NOT TRUE
                )
            ORDER BY n.sequence, n.from_row, n.transition_id
            LIMIT 1
        ) AS b
    WHERE
        f.reopened_at IS NOT NULL AND m.kind = 'result' AND m.accepted_at IS NOT NULL AND m.occurred_at >= %(since)s
        AND b.status_code IN (2, 4, 5, 6, 8)
    GROUP BY f.agency_code
)

SELECT o.agency_code, o.told, extract(EPOCH FROM g.result_hold) / 60 AS hold_minutes, b.minutes
FROM told AS o
INNER JOIN motcua.agencies AS g ON o.agency_code = g.agency_code
LEFT JOIN taken_back AS b ON o.agency_code = b.agency_code;
