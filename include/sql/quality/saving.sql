-- Store a run of the data quality check and seal it at the end. A sealed run cannot be changed. A run reads a snapshot,
-- which is tables of the schema quality that show the ledger at one moment. An agency is broken if its part of the
-- snapshot is faulty. A finding is a fault that a rule found. A dossier is textable if its phone number can get a text.
-- The Department runs the system. Called by store/oversight/quality.py.

-- name: count_dossiers
-- Return the number of dossiers of the snapshot, without the dossiers of broken agencies (quality.dossier_facts).
SELECT count(*) AS dossiers
FROM quality.dossier_facts AS f
WHERE f.agency_code <> all(%(broken_agencies)s::text[]);

-- name: data_as_of
-- Return the earliest of the times at which the sources of the snapshot were last read (quality.source_facts).
SELECT min(f.picked_up_at) AS data_as_of FROM quality.source_facts AS f WHERE f.agency_code IS NULL;

-- name: count_desk_users
-- Return the number of dossiers, and of textable dossiers, by agency, desk user and month of receipt
-- (quality.dossier_facts, quality.moves). A desk user is the account that made a dossier's first transition, as a
-- pseudonym.
WITH by_actor AS (
    SELECT
        f.agency_code,
        m.first_actor,
        f.received_month AS month,
        count(*) AS dossiers,
        count(*) FILTER (WHERE f.textable) AS textable
    FROM quality.dossier_facts AS f
    INNER JOIN quality.moves AS m ON f.dossier_id = m.dossier_id
    WHERE m.first_actor IS NOT NULL AND f.received_month >= %(since_day)s::date
    GROUP BY f.agency_code, m.first_actor, f.received_month
),

-- Each pseudonym is computed once, because it costs two hashes.
desk_users AS MATERIALIZED (
    SELECT n.agency_code, n.first_actor, motcua.desk_user(n.agency_code, n.first_actor) AS key
    FROM (SELECT DISTINCT a.agency_code, a.first_actor FROM by_actor AS a) AS n
)

SELECT
    a.agency_code,
    u.key,
    a.month,
    sum(a.dossiers)::integer AS dossiers,
    sum(a.textable)::integer AS textable
FROM by_actor AS a
INNER JOIN desk_users AS u ON a.agency_code = u.agency_code AND a.first_actor = u.first_actor
GROUP BY a.agency_code, u.key, a.month;

-- name: save_run
-- Insert a run that is not sealed yet (motcua.quality_runs).
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
RETURNING run_no;

-- name: save_agencies
-- Insert how many dossiers of each agency were checked (motcua.quality_agencies). Broken agencies are left out.
INSERT INTO motcua.quality_agencies (run_no, agency_code, dossiers, textable)
SELECT %(run_no)s, f.agency_code, count(*), count(*) FILTER (WHERE f.textable)
FROM quality.dossier_facts AS f
WHERE f.agency_code <> all(%(broken_agencies)s::text[])
GROUP BY f.agency_code;

-- name: save_broken_agencies
-- Insert the agencies whose part of the snapshot is faulty, with the fault (motcua.quality_broken_agencies).
INSERT INTO motcua.quality_broken_agencies (run_no, agency_code, fault)
SELECT %(run_no)s, r.agency_code, r.fault
FROM jsonb_to_recordset(%(rows)s::jsonb) AS r (agency_code text, fault text);

-- name: save_sources
-- Insert when each source was last read and how many of its rows were unusable (motcua.quality_sources). Nothing is
-- inserted if the snapshot's table source_facts is faulty; broken_agencies then holds an empty string.
INSERT INTO motcua.quality_sources (run_no, source_id, picked_up_at, last_transition_at, quarantined, failing)
SELECT
    %(run_no)s,
    f.source_id,
    f.picked_up_at,
    f.last_transition_at,
    f.unknown_codes + f.unusable_rows,
    f.failed_at IS NOT NULL
FROM quality.source_facts AS f
WHERE f.agency_code IS NULL AND '' <> all(%(broken_agencies)s::text[]);

-- name: save_results
-- Insert the result of each rule (motcua.quality_results).
INSERT INTO motcua.quality_results (run_no, rule, status, broken_reason, found, rows_hash)
SELECT %(run_no)s, r.rule, r.status, r.broken_reason, r.found, r.rows_hash
FROM
    jsonb_to_recordset(%(rows)s::jsonb) AS r (
        rule text, status text, broken_reason text, found integer, rows_hash text
    );

-- name: save_counts
-- Insert the number of findings by rule and agency (motcua.quality_counts). Also insert how many of these findings a
-- person accepted for now (acknowledged), how many others are past the agency's deadline (remind_agency), and how many
-- others are so long past the deadline that the Department is informed (remind_department).
INSERT INTO motcua.quality_counts (
    run_no, rule, agency_code, found, acknowledged, remind_agency, remind_department
)
WITH acknowledged AS (
    SELECT DISTINCT ON (a.finding_id) a.finding_id, a.until
    FROM motcua.finding_acknowledgements AS a
    ORDER BY a.finding_id, a.acknowledgement_id DESC
)

SELECT
    %(run_no)s,
    n.rule,
    n.agency_code,
    count(*),
    count(*) FILTER (WHERE a.until >= %(day)s::date),
    count(*) FILTER (
        WHERE
        coalesce(a.until < %(day)s::date, TRUE)
        AND e.deadline < %(day)s::date AND e.department_on >= %(day)s::date
    ),
    count(*) FILTER (WHERE coalesce(a.until < %(day)s::date, TRUE) AND e.department_on < %(day)s::date)
FROM quality.found AS n
INNER JOIN motcua.findings AS f ON n.rule = f.rule AND n.subject = f.subject
INNER JOIN motcua.finding_episodes AS e ON f.finding_id = e.finding_id AND e.closed_run IS NULL
LEFT JOIN acknowledged AS a ON f.finding_id = a.finding_id
GROUP BY n.rule, n.agency_code;

-- name: save_shares
-- Insert how many dossiers were received in each month since recent_month, by agency, by procedure of an agency and by
-- desk user, and how many of these are textable (motcua.quality_shares). Each row also has the same two numbers for the
-- month before. Broken agencies are left out. The parameter desk_users is the result of count_desk_users.
INSERT INTO motcua.quality_shares (
    run_no, agency_code, dimension, key, month, dossiers, textable, previous_dossiers, previous_textable
)
WITH by_desk_user AS (
    SELECT u.agency_code, u.key, u.month, u.dossiers, u.textable
    FROM
        jsonb_to_recordset(%(desk_users)s::jsonb) AS u (
            agency_code text, key text, month date, dossiers integer, textable integer
        )
    WHERE u.agency_code <> all(%(broken_agencies)s::text[])
)

SELECT
    %(run_no)s::bigint,
    f.agency_code,
    CASE WHEN f.procedure_code IS NULL THEN 'agency' ELSE 'procedure' END,
    coalesce(f.procedure_code, ''),
    f.month,
    f.received,
    f.textable,
    f.previous_received,
    f.previous_textable
FROM quality.agency_month_facts AS f
WHERE
    f.received > 0 AND f.month >= %(recent_month)s::date AND f.agency_code <> all(%(broken_agencies)s::text[])
UNION ALL
SELECT
    %(run_no)s::bigint,
    d.agency_code,
    'desk_user',
    d.key,
    d.month,
    d.dossiers,
    d.textable,
    coalesce(p.dossiers, 0),
    coalesce(p.textable, 0)
FROM by_desk_user AS d
LEFT JOIN by_desk_user AS p
    ON d.agency_code = p.agency_code AND d.key = p.key AND p.month = (d.month - interval '1 month')::date
WHERE d.month >= %(recent_month)s::date;

-- name: save_suggestions
-- Insert the run's suggestions to agencies on how to improve (motcua.quality_suggestions).
INSERT INTO motcua.quality_suggestions (run_no, agency_code, kind, facts)
SELECT %(run_no)s, r.agency_code, r.kind, r.facts
FROM jsonb_to_recordset(%(rows)s::jsonb) AS r (agency_code text, kind text, facts jsonb);

-- name: rows_hashes
-- Return for each rule the number of findings that were open after a run, and the SHA-256 of their subjects, one on
-- each line in byte order (motcua.findings, motcua.finding_episodes). A subject identifies what a finding is about.
-- Findings that the run could neither confirm nor close are left out (motcua.quality_withheld).
SELECT
    r.rule,
    count(f.finding_id) AS found,
    encode(
        sha256(convert_to(coalesce(string_agg(f.subject, chr(10) ORDER BY f.subject), ''), 'UTF8')), 'hex'
    ) AS rows_hash
FROM unnest(%(rules)s::text[]) AS r (rule)
LEFT JOIN (
    SELECT g.rule, g.finding_id, g.subject COLLATE "C" AS subject -- noqa: RF03
    FROM motcua.findings AS g
    INNER JOIN motcua.finding_episodes AS e ON g.finding_id = e.finding_id
    WHERE
        e.opened_run <= %(run_no)s::bigint AND coalesce(e.closed_run > %(run_no)s::bigint, TRUE)
        AND g.rule = any(%(rules)s::text[])
        AND NOT EXISTS (
            SELECT 1 FROM motcua.quality_withheld AS w
            WHERE w.run_no = %(run_no)s::bigint AND w.finding_id = g.finding_id
        )
) AS f ON r.rule = f.rule
GROUP BY r.rule;

-- name: last_seal
-- Return the seal of the last sealed run (motcua.quality_runs). The seal of the next run is a hash that includes this
-- seal.
SELECT r.seal FROM motcua.quality_runs AS r WHERE r.sealed_at IS NOT NULL ORDER BY r.run_no DESC LIMIT 1;

-- name: seal_run
-- Seal a run (motcua.quality_runs). The run cannot be changed from then on.
UPDATE motcua.quality_runs
SET
    content_hash = %(content_hash)s,
    previous_seal = %(previous_seal)s,
    seal = %(seal)s,
    sealed_at = clock_timestamp()
WHERE run_no = %(run_no)s;
