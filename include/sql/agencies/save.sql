-- Agencies' settings, new or changed, with their other codes and former names; whatever is left out of an agency's row
-- goes, and a code may move from one agency of the batch to another. One statement, so that the triggers leave one row
-- of history for each agency that changed. Called by store/agencies.py.
WITH wanted AS MATERIALIZED (
    SELECT r.*
    FROM jsonb_to_recordset(%(rows)s::jsonb) AS r (
        agency_code text, name text, short_name text, province text, enabled_from timestamptz, accented boolean,
        same_day_excluded boolean, same_day_procedures text[], same_day_reason text, kinds_off text[],
        kinds_off_reason text, result_hold interval, apology_day text, report_recipients text[],
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
        same_day_reason, kinds_off, kinds_off_reason, result_hold, apology_day, report_recipients, retention,
        valid_from, valid_until, successor_code, %(changed_by)s, %(by_department)s
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
    WHERE (agency_names.name, agency_names.short_name) IS DISTINCT FROM (excluded.name, excluded.short_name)
