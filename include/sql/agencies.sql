-- Agencies: their settings, who is in charge of their dossiers, and what a change of settings makes of what was read.
-- Called by store/agencies.py.

-- name: list
-- All agencies with their settings, other codes and former names.
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
-- Who is in charge of each agency's dossiers on a day, and the names then in force.
SELECT
    agency_code,
    in_charge,
    name,
    short_name
FROM motcua.agencies_on(%(day)s::date);

-- name: codes
-- Every code under which a source may know an agency.
SELECT agency_code AS written, agency_code, province
FROM motcua.agencies
UNION ALL
SELECT a.alias, a.agency_code, g.province
FROM motcua.agency_aliases AS a
INNER JOIN motcua.agencies AS g USING (agency_code);

-- name: procedures
-- Procedures that an agency can leave out one by one: those met in its newest closings, and those whose codes are
-- given. Bounded by the closings, however many dossiers there are.
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
-- Procedures that have a name, by it as Vietnamese words are put in order (Cấp, Chấm, Chứng), so many at most.
-- Called by store/browsing.py.
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
-- Waits until nobody else sets or imports settings, for the rest of this transaction.
SELECT motcua.wait_for_settings();

-- name: save
-- Agencies' settings, new or changed, with their other codes and former names; whatever is left out of an agency's row
-- goes, and a code may move from one agency of the batch to another. One statement, so that the triggers leave one row
-- of history for each agency that changed.
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
-- Sets what an agency decides for itself; empty, and nothing is written, where it changed since `seen`.
SELECT
    motcua.set_agency_settings(
        %(agency_code)s::text, %(seen)s::bigint, %(wanted)s::jsonb, %(set_by)s::text
    ) AS change_id;

-- name: replan
-- Events of these agencies that were out of scope and may no longer be, since the agency was enabled from an earlier
-- moment, or somebody is in charge of it again: to be planned anew.
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
-- Every change of an agency, the first one first.
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
-- Through which settings each of these changes keeps messages from citizens: the rule by which the history says it too.
SELECT
    r.agency_code,
    motcua.silenced_by(r.before, r.after) AS silences
FROM jsonb_to_recordset(%(rows)s::jsonb) AS r (agency_code text, before jsonb, after jsonb);
