-- What a check is given beside the ledger's own rows: days, who answers for an agency, the register, what is to be
-- there, and what Great Expectations returned. Each statement makes the table of schema quality that is called like it.
-- Called by store/oversight/quality.py and store/rechecks.py.

-- name: days
-- The days of the working calendars in use.
SELECT r.calendar, r.day, r.working, r.nth, r.previous_working_day
FROM
    jsonb_to_recordset(%(rows)s::jsonb) AS r (
        calendar smallint, day date, working boolean, nth integer, previous_working_day date
    );

-- name: agencies
-- Agencies with their calendars and who answers for their dossiers.
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
-- That a source's desk register was read, or why it could not be.
SELECT s.source_id, %(failure)s::text AS failure FROM motcua.sources AS s WHERE s.name = %(source)s;

-- name: desk_register
-- Rows of a source's desk register.
SELECT s.source_id, r.agency_code, r.dossier_code, r.result_ready_at, r.handed_over_at
FROM
    jsonb_to_recordset(%(rows)s::jsonb) AS r (
        agency_code text, dossier_code text, result_ready_at timestamptz, handed_over_at timestamptz
    )
INNER JOIN motcua.sources AS s ON s.name = %(source)s;

-- name: ledger_counts
-- How many dossiers each agency in charge has that are to be looked at, by the ledger alone: what the snapshot is held
-- against. The condition is that of quality/facts/dossiers, without its joins.
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
-- Rows that Great Expectations returned for a rule.
SELECT %(rule)s::text AS rule, r.subject, %(level)s::text AS level, r.agency_code, r.since, r.facts::jsonb AS facts
FROM jsonb_to_recordset(%(rows)s::jsonb) AS r (subject text, agency_code text, since timestamptz, facts text);
