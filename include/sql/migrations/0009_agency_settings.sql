-- depends: 0008_working_calendars
-- What each agency decides, who decides it, and its names and successors over time. Every change is kept whole, with
-- the codes and names that belong to it, and with what it silences.

DROP TRIGGER keep_agency_change ON motcua.agencies;
DROP FUNCTION motcua.keep_agency_change();

ALTER TABLE motcua.agencies ADD COLUMN kinds_off_reason text CHECK (btrim(kinds_off_reason) <> '');
ALTER TABLE motcua.agencies ADD COLUMN apology_day text NOT NULL DEFAULT 'calendar'
CHECK (apology_day IN ('calendar', 'working_day'));
ALTER TABLE motcua.agencies ADD COLUMN report_recipients text[] NOT NULL DEFAULT '{}';
ALTER TABLE motcua.agencies ADD COLUMN recipients_list integer NOT NULL DEFAULT 0;
ALTER TABLE motcua.agencies ADD COLUMN retention interval NOT NULL DEFAULT '365 days'
CHECK (retention BETWEEN '30 days' AND '3650 days');
ALTER TABLE motcua.agencies ADD COLUMN valid_from date;
ALTER TABLE motcua.agencies ADD COLUMN valid_until date;
ALTER TABLE motcua.agencies ADD COLUMN successor_code text REFERENCES motcua.agencies;
ALTER TABLE motcua.agencies ADD COLUMN by_department boolean NOT NULL DEFAULT FALSE;
ALTER TABLE motcua.agencies ADD CHECK (valid_from <= valid_until);
ALTER TABLE motcua.agencies ADD CHECK (successor_code <> agency_code);
ALTER TABLE motcua.agencies ADD CHECK (successor_code IS NULL OR valid_until IS NOT NULL);
UPDATE motcua.agencies SET kinds_off_reason = 'Tắt trước khi hệ thống lưu lý do' WHERE kinds_off <> '{}';
ALTER TABLE motcua.agencies ADD CHECK ((kinds_off = '{}') = (kinds_off_reason IS NULL));
COMMENT ON COLUMN motcua.agencies.name IS 'Full Vietnamese name, as in official papers; former ones are in agency_names.';
COMMENT ON COLUMN motcua.agencies.kinds_off_reason IS 'Why these kinds are off, as every publication shows it; there is one exactly where a kind is off.';
COMMENT ON COLUMN motcua.agencies.apology_day IS 'Which due dates the 17:30 apology takes: of the next calendar day, or up to the next working day.';
COMMENT ON COLUMN motcua.agencies.report_recipients IS 'Mail addresses that quality reports go to. Personal data of staff; agency_changes holds only how many.';
COMMENT ON COLUMN motcua.agencies.recipients_list IS 'Number of that list; it grows with each change of an address.';
COMMENT ON COLUMN motcua.agencies.retention IS 'Numbers, names and words are purged this long after a dossier''s end; counts and states stay.';
COMMENT ON COLUMN motcua.agencies.valid_from IS 'First day on which the agency exists; empty: it always has.';
COMMENT ON COLUMN motcua.agencies.valid_until IS 'Last day on which it exists; empty: it still does.';
COMMENT ON COLUMN motcua.agencies.successor_code IS 'Who is in charge of its dossiers after that day; empty: nobody, and nothing more is told.';
COMMENT ON COLUMN motcua.agencies.by_department IS 'The last change was made in the Department''s name.';

CREATE FUNCTION motcua.number_recipients_list() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        NEW.recipients_list := (NEW.report_recipients <> '{}')::integer;
    ELSE
        NEW.recipients_list := OLD.recipients_list
            + (NEW.report_recipients IS DISTINCT FROM OLD.report_recipients)::integer;
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER number_recipients_list BEFORE INSERT OR UPDATE ON motcua.agencies
FOR EACH ROW EXECUTE FUNCTION motcua.number_recipients_list();

CREATE TABLE motcua.agency_names (
    agency_code text NOT NULL REFERENCES motcua.agencies,
    valid_until date NOT NULL,
    name text NOT NULL CHECK (btrim(name) <> ''),
    short_name text,
    PRIMARY KEY (agency_code, valid_until)
);
COMMENT ON TABLE motcua.agency_names IS 'Former names of agencies; the name after the last of them is in agencies.';
COMMENT ON COLUMN motcua.agency_names.agency_code IS 'The agency.';
COMMENT ON COLUMN motcua.agency_names.valid_until IS 'Last day of this name.';
COMMENT ON COLUMN motcua.agency_names.name IS 'Full Vietnamese name.';
COMMENT ON COLUMN motcua.agency_names.short_name IS 'Name used in message texts; the full name where empty.';

CREATE FUNCTION motcua.agencies_on(day date)
RETURNS TABLE (agency_code text, in_charge text, name text, short_name text)
LANGUAGE sql STABLE AS $$
    WITH RECURSIVE chain AS (
        SELECT g.agency_code, g.agency_code AS last_code, g.valid_until, g.successor_code, ARRAY[g.agency_code] AS path
        FROM motcua.agencies AS g
        UNION ALL
        SELECT c.agency_code, s.agency_code, s.valid_until, s.successor_code, c.path || s.agency_code
        FROM chain AS c
        INNER JOIN motcua.agencies AS s ON c.successor_code = s.agency_code
        WHERE c.valid_until < day AND s.agency_code <> ALL (c.path)
    ),
    ends AS (
        SELECT DISTINCT ON (c.agency_code)
            c.agency_code, c.last_code, coalesce(c.valid_until >= day, TRUE) AS exists_then
        FROM chain AS c
        ORDER BY c.agency_code, cardinality(c.path) DESC
    )
    SELECT
        e.agency_code,
        CASE WHEN e.exists_then THEN e.last_code END,
        coalesce(f.name, g.name),
        CASE WHEN f.name IS NULL THEN g.short_name ELSE f.short_name END
    FROM ends AS e
    INNER JOIN motcua.agencies AS g ON e.last_code = g.agency_code
    LEFT JOIN LATERAL (
        SELECT n.name, n.short_name
        FROM motcua.agency_names AS n
        WHERE n.agency_code = e.last_code AND n.valid_until >= day
        ORDER BY n.valid_until
        LIMIT 1
    ) AS f ON TRUE
$$;
COMMENT ON FUNCTION motcua.agencies_on(date)
IS 'For each agency: who is in charge of its dossiers on that day (empty: nobody), and the names then in force.';

CREATE FUNCTION motcua.silenced_by(before jsonb, after jsonb) RETURNS text[] LANGUAGE sql STABLE AS $$
    SELECT array_remove(ARRAY[
        CASE WHEN EXISTS (
            SELECT jsonb_array_elements_text(after -> 'kinds_off')
            EXCEPT
            SELECT jsonb_array_elements_text(before -> 'kinds_off')
        ) THEN 'kinds_off' END,
        CASE WHEN s.told AND (after ->> 'same_day_excluded')::boolean AND NOT (before ->> 'same_day_excluded')::boolean
            THEN 'same_day_excluded' END,
        CASE WHEN s.told AND coalesce((after ->> 'enabled_from')::timestamptz, 'infinity')
            > (before ->> 'enabled_from')::timestamptz THEN 'enabled_from' END,
        CASE WHEN s.told AND s.end_after < s.end_before THEN 'valid_until' END,
        CASE WHEN s.told AND (after ->> 'result_hold')::interval
            > greatest((before ->> 'result_hold')::interval, '2 hours') THEN 'result_hold' END,
        CASE WHEN s.told AND NOT after -> 'aliases' @> (before -> 'aliases') THEN 'aliases' END
    ], NULL)
    FROM (
        SELECT
            before ->> 'enabled_from' IS NOT NULL AS told,
            CASE WHEN before ->> 'successor_code' IS NULL THEN coalesce((before ->> 'valid_until')::date, 'infinity')
                ELSE 'infinity' END AS end_before,
            CASE WHEN after ->> 'successor_code' IS NULL THEN coalesce((after ->> 'valid_until')::date, 'infinity')
                ELSE 'infinity' END AS end_after
    ) AS s
$$;
COMMENT ON FUNCTION motcua.silenced_by(jsonb, jsonb)
IS 'The settings through which a change of an agency keeps messages from citizens who got them before: a kind newly off, same-day procedures newly left out, enabled later or no more, an end without a successor, a hold above two hours, a code of its source no longer known.';

ALTER TABLE motcua.agency_changes ADD COLUMN by_department boolean NOT NULL DEFAULT FALSE;
ALTER TABLE motcua.agency_changes ADD COLUMN silences text[] NOT NULL DEFAULT '{}';
COMMENT ON TABLE motcua.agency_changes IS 'Every change of an agency''s settings, codes and names, append-only: who, when, before, after. Holds no mail address.';
COMMENT ON COLUMN motcua.agency_changes.before IS 'As it was before: the row''s settings with aliases and former_names; of report_recipients how many they are and the number of their list. Empty for a new agency.';
COMMENT ON COLUMN motcua.agency_changes.after IS 'As it was after, in the same form; the next change begins with it.';
COMMENT ON COLUMN motcua.agency_changes.by_department IS 'Made in the Department''s name.';
COMMENT ON COLUMN motcua.agency_changes.silences IS 'The settings through which it keeps messages from citizens (motcua.silenced_by); empty: it keeps none.';
CREATE INDEX agency_changes_agency ON motcua.agency_changes (agency_code, change_id);

-- The same instant must read the same in whatever time zone a session is.
CREATE FUNCTION motcua.note_agency_change(of_agency text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, motcua
SET timezone = 'UTC' SET intervalstyle = 'iso_8601' AS $$
DECLARE
    settings motcua.agencies;
    was jsonb;
    now_is jsonb;
BEGIN
    SELECT * INTO settings FROM motcua.agencies WHERE agency_code = of_agency FOR NO KEY UPDATE;
    SELECT after INTO was FROM motcua.agency_changes WHERE agency_code = of_agency ORDER BY change_id DESC LIMIT 1;
    now_is := to_jsonb(settings) - ARRAY['changed_by', 'by_department', 'recipients_list'] || jsonb_build_object(
        'aliases', (
            SELECT coalesce(jsonb_agg(a.alias ORDER BY a.alias), '[]')
            FROM motcua.agency_aliases AS a WHERE a.agency_code = of_agency
        ),
        'former_names', (
            SELECT coalesce(jsonb_agg(
                jsonb_build_object('name', n.name, 'short_name', n.short_name, 'until', n.valid_until)
                ORDER BY n.valid_until
            ), '[]')
            FROM motcua.agency_names AS n WHERE n.agency_code = of_agency
        ),
        'report_recipients', jsonb_build_object(
            'addresses', cardinality(settings.report_recipients), 'list', settings.recipients_list
        )
    );
    IF now_is IS DISTINCT FROM was THEN
        INSERT INTO motcua.agency_changes (agency_code, changed_by, by_department, before, after, silences)
        VALUES (
            of_agency, settings.changed_by, settings.by_department, was, now_is, motcua.silenced_by(was, now_is)
        );
    END IF;
END
$$;
COMMENT ON FUNCTION motcua.note_agency_change(text)
IS 'Writes a row of agency_changes if the agency differs from what the last one says.';
REVOKE ALL ON FUNCTION motcua.note_agency_change(text) FROM public;

-- They run at the end of a statement: one that writes an agency with its codes and names leaves one row.
CREATE FUNCTION motcua.keep_agency_change() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, motcua AS $$
BEGIN
    PERFORM motcua.note_agency_change(NEW.agency_code);
    RETURN NEW;
END
$$;
CREATE TRIGGER keep_agency_change AFTER INSERT OR UPDATE ON motcua.agencies
FOR EACH ROW EXECUTE FUNCTION motcua.keep_agency_change();

CREATE FUNCTION motcua.keep_change_of_agency_part() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, motcua AS $$
BEGIN
    IF TG_OP <> 'INSERT' THEN
        PERFORM motcua.note_agency_change(OLD.agency_code);
    END IF;
    IF TG_OP <> 'DELETE' THEN
        PERFORM motcua.note_agency_change(NEW.agency_code);
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER keep_agency_change AFTER INSERT OR UPDATE OR DELETE ON motcua.agency_aliases
FOR EACH ROW EXECUTE FUNCTION motcua.keep_change_of_agency_part();
CREATE TRIGGER keep_agency_change AFTER INSERT OR UPDATE OR DELETE ON motcua.agency_names
FOR EACH ROW EXECUTE FUNCTION motcua.keep_change_of_agency_part();

-- The history goes on from a row in the new form.
UPDATE motcua.agencies SET changed_by = '0009_agency_settings';

CREATE OR REPLACE VIEW audit.agencies AS
SELECT
    agency_code,
    name,
    short_name,
    province,
    enabled_from,
    accented,
    same_day_excluded,
    kinds_off,
    result_hold,
    changed_by,
    kinds_off_reason,
    apology_day,
    cardinality(report_recipients) AS report_recipients_count,
    retention,
    valid_from,
    valid_until,
    successor_code,
    by_department
FROM motcua.agencies;
CREATE VIEW audit.agency_aliases AS
SELECT alias, agency_code FROM motcua.agency_aliases;
CREATE VIEW audit.agency_names AS
SELECT agency_code, valid_until, name, short_name FROM motcua.agency_names;
CREATE OR REPLACE VIEW audit.agency_changes AS
SELECT change_id, agency_code, changed_at, changed_by, before, after, by_department, silences
FROM motcua.agency_changes;

GRANT SELECT ON audit.agency_aliases, audit.agency_names TO motcua_audit, motcua_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON motcua.agency_names TO motcua_app;
