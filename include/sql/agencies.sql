-- Read and write the settings of agencies, find the agency in charge of a dossier, and mark the transitions whose
-- messages must be planned again after a change of settings. Called by store/agencies.py.

-- name: list
-- Return all agencies with their settings, other codes (aliases) and former names (motcua.agencies).
SELECT
    agency_code,
    name,
    short_name,
    province,
    enabled_from,
    accented,
    same_day_excluded,
    same_day_procedures,
    same_day_reason,
    kinds_off,
    kinds_off_reason,
    result_hold,
    waits_for_opening,
    apology_day,
    report_recipients,
    retention,
    valid_from,
    valid_until,
    successor_code,
    array(
        SELECT a.alias FROM motcua.agency_aliases AS a
        WHERE a.agency_code = g.agency_code
        ORDER BY a.alias
    ) AS aliases,
    array(
        SELECT jsonb_build_object('name', n.name, 'short_name', n.short_name, 'until', n.valid_until)
        FROM motcua.agency_names AS n
        WHERE n.agency_code = g.agency_code
        ORDER BY n.valid_until
    ) AS former_names
FROM motcua.agencies AS g
ORDER BY agency_code;

-- name: in_force
-- Return, for each agency, which agency is in charge of its dossiers on a day (the agency itself or a successor), and
-- the names of the agency in charge on that day (motcua.agencies_on).
SELECT
    agency_code,
    in_charge,
    name,
    short_name
FROM motcua.agencies_on(%(day)s::date);

-- name: codes
-- Return every code that a source may write for an agency, each with the agency that it stands for (motcua.agencies,
-- motcua.agency_aliases).
SELECT agency_code AS written, agency_code, province
FROM motcua.agencies
UNION ALL
SELECT a.alias, a.agency_code, g.province
FROM motcua.agency_aliases AS a
INNER JOIN motcua.agencies AS g USING (agency_code);

-- name: procedures
-- Return the procedures that a page offers to an agency for its setting same_day_procedures: first the procedures with
-- the given codes, then the agency's procedures in the 40 newest closings (audit.closing_dossiers). A closing is the
-- stored figures of a finished period. Dossiers of a procedure in that setting that are due on the day of receipt get
-- no messages. The cost does not depend on the number of dossiers.
WITH met AS (
    SELECT s.procedure_code
    FROM audit.closing_dossiers AS s
    WHERE
        s.agency_code = %(agency_code)s
        AND s.closing_no = any(array(
            SELECT c.closing_no
            FROM audit.closings AS c
            ORDER BY c.closing_no DESC
            LIMIT 40
        ))
    UNION
    SELECT g.code
    FROM unnest(%(also)s::text[]) AS g (code)
)

SELECT
    m.procedure_code,
    p.name
FROM met AS m
LEFT JOIN motcua.procedures AS p ON m.procedure_code = p.procedure_code
WHERE m.procedure_code <> ''
ORDER BY
    m.procedure_code = any(%(also)s::text[]) DESC,
    translate(regexp_replace(normalize(lower(p.name), nfd), U&'[\0300-\036F]', '', 'g'), 'đ', 'd'),  -- noqa: RF03
    p.name,
    m.procedure_code
LIMIT %(most)s;

-- name: named_procedures
-- Return procedures with a name, in the order of Vietnamese words (Cấp, Chấm, Chứng), up to a limit
-- (motcua.procedures). Called by store/browsing.py.
SELECT
    p.procedure_code,
    p.name
FROM motcua.procedures AS p
WHERE p.name IS NOT NULL
ORDER BY
    translate(regexp_replace(normalize(lower(p.name), nfd), U&'[\0300-\036F]', '', 'g'), 'đ', 'd'),  -- noqa: RF03
    p.name,
    p.procedure_code
LIMIT %(most)s;

-- name: one_at_a_time
-- Wait until no other transaction sets or imports settings of agencies, and make others wait until this transaction
-- ends (motcua.wait_for_settings).
SELECT motcua.wait_for_settings();

-- name: save
-- Insert or update agencies' settings with their other codes and former names (motcua.agencies). Other codes and former
-- names of these agencies that the given rows do not have are deleted. A code may move from one agency of the batch to
-- another. All is done in one SQL statement, so that the triggers write one row of history for each changed agency.
WITH wanted AS MATERIALIZED (
    SELECT r.*
    FROM jsonb_to_recordset(%(rows)s::jsonb) AS r (
        agency_code text, name text, short_name text, province text, enabled_from timestamptz, accented boolean,
        same_day_excluded boolean, same_day_procedures text[], same_day_reason text, kinds_off text[],
        kinds_off_reason text, result_hold interval, waits_for_opening boolean, apology_day text,
        report_recipients text[],
        retention interval, valid_from date, valid_until date, successor_code text, aliases text[], former_names jsonb
    )
),

names AS (
    SELECT
        w.agency_code,
        n.name,
        n.short_name,
        n.until
    FROM wanted AS w
    CROSS JOIN LATERAL jsonb_to_recordset(w.former_names) AS n (name text, short_name text, until date)
),

dropped_aliases AS (
    DELETE FROM motcua.agency_aliases AS a
    USING wanted AS w
    WHERE a.agency_code = w.agency_code AND NOT EXISTS (SELECT 1 FROM wanted AS o WHERE a.alias = any(o.aliases))
),

dropped_names AS (
    DELETE FROM motcua.agency_names AS a
    USING wanted AS w
    WHERE
        a.agency_code = w.agency_code
        AND NOT EXISTS (SELECT 1 FROM names AS n WHERE a.agency_code = n.agency_code AND a.valid_until = n.until)
),

saved AS (
    INSERT INTO motcua.agencies (
        agency_code,
        name,
        short_name,
        province,
        enabled_from,
        accented,
        same_day_excluded,
        same_day_procedures,
        same_day_reason,
        kinds_off,
        kinds_off_reason,
        result_hold,
        waits_for_opening,
        apology_day,
        report_recipients,
        retention,
        valid_from,
        valid_until,
        successor_code,
        changed_by,
        by_department
    )
    SELECT
        agency_code, name, short_name, province, enabled_from, accented, same_day_excluded, same_day_procedures,
        same_day_reason, kinds_off, kinds_off_reason, result_hold, waits_for_opening, apology_day, report_recipients,
        retention, valid_from, valid_until, successor_code, %(changed_by)s, %(by_department)s
    FROM wanted
    ON CONFLICT (agency_code) DO UPDATE SET
        name = excluded.name,
        short_name = excluded.short_name,
        province = excluded.province,
        enabled_from = excluded.enabled_from,
        accented = excluded.accented,
        same_day_excluded = excluded.same_day_excluded,
        same_day_procedures = excluded.same_day_procedures,
        same_day_reason = excluded.same_day_reason,
        kinds_off = excluded.kinds_off,
        kinds_off_reason = excluded.kinds_off_reason,
        result_hold = excluded.result_hold,
        waits_for_opening = excluded.waits_for_opening,
        apology_day = excluded.apology_day,
        report_recipients = excluded.report_recipients,
        retention = excluded.retention,
        valid_from = excluded.valid_from,
        valid_until = excluded.valid_until,
        successor_code = excluded.successor_code,
        changed_by = excluded.changed_by,
        by_department = excluded.by_department
),

added_aliases AS (
    INSERT INTO motcua.agency_aliases (alias, agency_code)
    SELECT
        unnest(aliases),
        agency_code
    FROM wanted
    ON CONFLICT (alias) DO UPDATE
        SET agency_code = excluded.agency_code
        WHERE agency_aliases.agency_code <> excluded.agency_code
)

INSERT INTO motcua.agency_names (agency_code, valid_until, name, short_name)
SELECT
    agency_code,
    until,
    name,
    short_name
FROM names
ON CONFLICT (agency_code, valid_until) DO UPDATE
    SET name = excluded.name, short_name = excluded.short_name
    WHERE (agency_names.name, agency_names.short_name) IS DISTINCT FROM (excluded.name, excluded.short_name);

-- name: set_settings
-- Write the settings that an agency decides for itself, and return the number of the change
-- (motcua.set_agency_settings). The parameter seen is the number of the last change that was shown to the person who
-- now changes the settings. If there is a newer change, nothing is written and the result is NULL.
SELECT
    motcua.set_agency_settings(
        %(agency_code)s::text, %(seen)s::bigint, %(wanted)s::jsonb, %(set_by)s::text
    ) AS change_id;

-- name: replan
-- Mark transitions of these agencies as not planned if the transitions were out of scope and may be in scope now
-- (motcua.transitions). A transition is out of scope if it happened before its agency was enabled, or if no agency was
-- in charge of its dossier. The caller uses this SQL statement after an agency's time of enabling was moved to an
-- earlier time, and after an agency was put in charge of dossiers that had no agency in charge.
UPDATE motcua.transitions AS t
SET planned_at = NULL, outcome = NULL
FROM motcua.dossiers AS d
INNER JOIN motcua.agencies AS g ON d.agency_code = g.agency_code
WHERE
    t.dossier_id = d.dossier_id
    AND g.agency_code = any(%(agency_codes)s)
    AND t.outcome = 'out_of_scope'
    AND t.occurred_at >= g.enabled_from;

-- name: history
-- Return every change of an agency's settings, the first one first (motcua.agency_changes).
SELECT
    change_id,
    changed_at,
    changed_by,
    by_department,
    before,
    after,
    silences
FROM motcua.agency_changes
WHERE agency_code = %(agency_code)s
ORDER BY change_id;

-- name: silences
-- Return, for each given change of an agency's settings, the settings by which citizens no longer get messages that
-- they got before (motcua.silenced_by). The trigger that writes motcua.agency_changes uses the same function.
SELECT
    r.agency_code,
    motcua.silenced_by(r.before, r.after) AS silences
FROM jsonb_to_recordset(%(rows)s::jsonb) AS r (agency_code text, before jsonb, after jsonb);
