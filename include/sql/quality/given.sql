-- Fill those tables of a data quality check that do not copy rows of the ledger: days, agencies in charge, the desk
-- register, numbers of dossiers, and the faults that the library Great Expectations found. The desk register is the
-- list in which a one-stop desk writes when results are ready and handed over. The rows that an SQL statement returns
-- are stored in the table of the schema quality that has the statement's name. Called by store/oversight/quality.py and
-- store/rechecks.py.

-- name: days
-- Return the days of the working calendars that the caller gives (parameter rows).
SELECT r.calendar, r.day, r.working, r.nth, r.previous_working_day
FROM
    jsonb_to_recordset(%(rows)s::jsonb) AS r (
        calendar smallint, day date, working boolean, nth integer, previous_working_day date
    );

-- name: agencies
-- Return the agencies with their calendars and the agency in charge of their dossiers (motcua.agencies).
SELECT
    g.agency_code,
    coalesce(i.in_charge, g.agency_code) AS answers,
    r.calendar,
    g.apology_day,
    g.enabled_from,
    d.nth AS today
FROM jsonb_to_recordset(%(agency_rows)s::jsonb) AS r (agency_code text, calendar smallint)
INNER JOIN motcua.agencies AS g ON r.agency_code = g.agency_code
INNER JOIN motcua.agencies_on(%(day)s::date) AS i ON g.agency_code = i.agency_code
INNER JOIN quality.days AS d ON r.calendar = d.calendar AND d.day = %(day)s::date - 1;

-- name: register_readings
-- Return one row for a source's desk register (motcua.sources). The row has no failure if the register was read.
-- Otherwise it has the reason why the register could not be read.
SELECT s.source_id, %(failure)s::text AS failure FROM motcua.sources AS s WHERE s.name = %(source)s;

-- name: desk_register
-- Return the given rows of a source's desk register, each with the source's number (motcua.sources).
SELECT s.source_id, r.agency_code, r.dossier_code, r.result_ready_at, r.handed_over_at
FROM
    jsonb_to_recordset(%(rows)s::jsonb) AS r (
        agency_code text, dossier_code text, result_ready_at timestamptz, handed_over_at timestamptz
    )
INNER JOIN motcua.sources AS s ON s.name = %(source)s;

-- name: ledger_counts
-- Return how many dossiers of each agency in charge a check must cover, counted directly in the ledger
-- (motcua.dossiers). The number of dossiers that the check did read is compared with this count. The WHERE condition is
-- the same as in quality/facts/dossiers.
SELECT coalesce(i.in_charge, l.agency_code) AS agency_code, sum(l.dossiers)::integer AS dossiers
FROM (
    SELECT d.agency_code, count(*) AS dossiers
    FROM motcua.dossiers AS d
    WHERE
        coalesce(d.status_code NOT IN (3, 7, 10), TRUE)
        OR d.received_at >= %(since)s
        OR coalesce(d.updated_at >= %(since)s, TRUE)
    GROUP BY d.agency_code
) AS l
LEFT JOIN motcua.agencies_on(%(day)s::date) AS i ON l.agency_code = i.agency_code
GROUP BY coalesce(i.in_charge, l.agency_code);

-- name: found
-- Return the rows in which Great Expectations found a fault by a rule.
SELECT %(rule)s::text AS rule, r.subject, %(level)s::text AS level, r.agency_code, r.since, r.facts::jsonb AS facts
FROM jsonb_to_recordset(%(rows)s::jsonb) AS r (subject text, agency_code text, since timestamptz, facts text);
