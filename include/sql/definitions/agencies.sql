-- Agencies: their names and codes, how settings are changed, how each change is stored, and what auditors may read.

-- Return, for each agency, the agency in charge of its dossiers on a given day, and the names that the agency in charge
-- has on that day (motcua.agencies, motcua.agency_names). If an agency has ended, its successor is in charge. If the
-- last agency in the line of successors has ended too, in_charge is empty, and the names are those of this last agency.
CREATE OR REPLACE FUNCTION motcua.agencies_on(day date)
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
IS 'Returns, for each agency, the agency in charge of its dossiers on a given day, and the names of the agency in charge on that day. in_charge is empty if no agency is in charge.';

-- List every code under which a source may know an agency (motcua.agencies, motcua.agency_aliases). Citizens are texted
-- about events at the agency from enabled_from on.
CREATE OR REPLACE VIEW motcua.agency_scopes AS
SELECT g.agency_code AS written, g.agency_code, g.enabled_from
FROM motcua.agencies AS g
UNION ALL
SELECT a.alias, a.agency_code, n.enabled_from
FROM motcua.agency_aliases AS a
INNER JOIN motcua.agencies AS n ON a.agency_code = n.agency_code;
COMMENT ON VIEW motcua.agency_scopes
IS 'Lists every code under which a source may know an agency, with enabled_from, the time from which citizens are texted about events at the agency.';

-- Return the names of the settings through which a change silences an agency: because of the change, citizens get no
-- messages, or get messages later. The parameters are the settings before and after the change. These names can be
-- returned:
-- - kinds_off: another kind of message is switched off.
-- - same_day_excluded: more same-day procedures get no messages.
-- - enabled_from: the agency is enabled at a later time, or is not enabled.
-- - valid_until: the agency has no successor, and it ends, or ends earlier.
-- - result_hold: result messages wait longer than before, and longer than two hours.
-- - aliases: a code under which a source knows the agency is removed.
-- All settings except kinds_off are returned only if the agency was enabled before the change.
CREATE OR REPLACE FUNCTION motcua.silenced_by(before jsonb, after jsonb) RETURNS text[] LANGUAGE sql STABLE AS $$
    SELECT array_remove(ARRAY[
        CASE WHEN EXISTS (
            SELECT jsonb_array_elements_text(after -> 'kinds_off')
            EXCEPT
            SELECT jsonb_array_elements_text(before -> 'kinds_off')
        ) THEN 'kinds_off' END,
        CASE WHEN s.told AND (after ->> 'same_day_excluded')::boolean AND (
            NOT (before ->> 'same_day_excluded')::boolean
            OR (s.left_out_before <> '[]' AND (s.left_out_after = '[]' OR NOT s.left_out_before @> s.left_out_after))
        ) THEN 'same_day_excluded' END,
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
            -- An empty list means all procedures. A change that is older than the setting same_day_procedures has no
            -- list.
            coalesce(before -> 'same_day_procedures', '[]') AS left_out_before,
            coalesce(after -> 'same_day_procedures', '[]') AS left_out_after,
            CASE WHEN before ->> 'successor_code' IS NULL THEN coalesce((before ->> 'valid_until')::date, 'infinity')
                ELSE 'infinity' END AS end_before,
            CASE WHEN after ->> 'successor_code' IS NULL THEN coalesce((after ->> 'valid_until')::date, 'infinity')
                ELSE 'infinity' END AS end_after
    ) AS s
$$;
COMMENT ON FUNCTION motcua.silenced_by(jsonb, jsonb)
IS 'Returns the names of the settings by which a change of an agency silences it, so that citizens no longer get messages, or get them later.';

-- Wait until no other transaction imports or sets settings of agencies, and make later transactions of this kind wait
-- until this transaction ends. Called by include/sql/agencies.sql.
CREATE OR REPLACE FUNCTION motcua.wait_for_settings() RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog AS $$
    SELECT pg_advisory_xact_lock(5)
$$;
COMMENT ON FUNCTION motcua.wait_for_settings()
IS 'Waits until no other transaction imports or sets settings of agencies, and keeps others waiting until this transaction ends.';

-- Write the settings that an agency may decide for itself, as a person set them on a page (motcua.agencies): accented,
-- the same-day settings, result_hold, waits_for_opening and apology_day. Return the number of the agency's last change.
-- The parameter seen is the number of the last change that the person saw. If there is a later change of the agency,
-- nothing is written and the result is NULL. The function raises an error in three cases. First, a setting other than
-- the same-day settings silences the agency (motcua.silenced_by). Second, same-day procedures are excluded without a
-- reason. Third, the recipients of reports differ: a change of recipients is requested with motcua.save_page_request.
CREATE OR REPLACE FUNCTION motcua.set_agency_settings(of_agency text, seen bigint, wanted jsonb, set_by text)
RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, motcua AS $$
DECLARE
    was motcua.agencies;
    last_change bigint;
    silenced text[];
BEGIN
    IF coalesce(btrim(set_by), '') = '' THEN
        RAISE EXCEPTION 'settings need who sets them' USING ERRCODE = 'check_violation';
    END IF;
    SELECT * INTO was FROM motcua.agencies WHERE agency_code = of_agency FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'no agency has this code' USING ERRCODE = 'foreign_key_violation';
    END IF;
    SELECT coalesce(max(change_id), 0) INTO last_change FROM motcua.agency_changes WHERE agency_code = of_agency;
    IF last_change IS DISTINCT FROM seen THEN
        RETURN NULL;
    END IF;
    -- During an upgrade, a page of the previous version may still run. It sends the recipients too, which may not
    -- change here.
    IF wanted -> 'report_recipients' <> to_jsonb(was.report_recipients) THEN
        RAISE EXCEPTION 'who gets reports is asked for, not set' USING ERRCODE = 'insufficient_privilege';
    END IF;
    UPDATE motcua.agencies AS g
    SET
        accented = w.accented,
        same_day_excluded = w.same_day_excluded,
        same_day_procedures = w.same_day_procedures,
        same_day_reason = w.same_day_reason,
        result_hold = w.result_hold,
        -- During an upgrade, a page of the previous version may still run. It does not send this setting.
        waits_for_opening = coalesce(w.waits_for_opening, g.waits_for_opening),
        apology_day = w.apology_day,
        changed_by = set_by,
        by_department = FALSE
    FROM jsonb_to_record(wanted) AS w (
        accented boolean, same_day_excluded boolean, same_day_procedures text[], same_day_reason text,
        result_hold interval, waits_for_opening boolean, apology_day text
    )
    WHERE g.agency_code = of_agency;
    SELECT change_id, silences INTO last_change, silenced
    FROM motcua.agency_changes
    WHERE agency_code = of_agency
    ORDER BY change_id DESC
    LIMIT 1;
    IF last_change <> seen AND NOT silenced <@ ARRAY['same_day_excluded'] THEN
        RAISE EXCEPTION 'only the Department may silence an agency through %', array_to_string(silenced, ', ')
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    IF EXISTS (
        SELECT 1 FROM motcua.agencies AS g
        WHERE
            g.agency_code = of_agency AND g.same_day_excluded AND g.same_day_reason IS NULL
            -- An exclusion that was set before reasons were required may stay without a reason.
            AND NOT (
                was.same_day_excluded AND was.same_day_reason IS NULL
                AND was.same_day_procedures = g.same_day_procedures
            )
    ) THEN
        RAISE EXCEPTION 'same-day procedures need a reason' USING ERRCODE = 'check_violation';
    END IF;
    RETURN last_change;
END
$$;
COMMENT ON FUNCTION motcua.set_agency_settings(text, bigint, jsonb, text)
IS 'Writes the settings that an agency may decide for itself, and stores who set them. Nothing is written if the agency changed after the person saw it. The function can change no other setting.';

-- Set recipients_list to a new number whenever the mail addresses in report_recipients change (motcua.agencies). With
-- this number, motcua.agency_changes shows that the addresses changed, without storing the addresses.
CREATE OR REPLACE FUNCTION motcua.number_recipients_list() RETURNS trigger LANGUAGE plpgsql AS $$
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
CREATE OR REPLACE TRIGGER number_recipients_list BEFORE INSERT OR UPDATE ON motcua.agencies
FOR EACH ROW EXECUTE FUNCTION motcua.number_recipients_list();

-- Insert a row into agency_changes if the agency's settings, codes or names differ from those in the agency's last row
-- of that table. The function sets the time zone to UTC and the style of intervals to iso_8601, so that every session
-- writes a value in the same form.
CREATE OR REPLACE FUNCTION motcua.note_agency_change(of_agency text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, motcua
SET timezone = 'UTC' SET intervalstyle = 'iso_8601' AS $$
DECLARE
    settings motcua.agencies;
    was jsonb;
    now_is jsonb;
BEGIN
    SELECT * INTO settings FROM motcua.agencies WHERE agency_code = of_agency FOR NO KEY UPDATE;
    -- A row that is older than these settings does not contain them. It is compared as if they had their default
    -- values.
    SELECT '{"same_day_procedures": [], "same_day_reason": null, "waits_for_opening": false}'::jsonb || after INTO was
    FROM motcua.agency_changes
    WHERE agency_code = of_agency ORDER BY change_id DESC LIMIT 1;
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
IS 'Inserts a row into agency_changes if the agency''s settings, codes or names differ from those in its last row there.';

-- Record each change of an agency's settings in agency_changes. If one SQL statement writes an agency together with its
-- codes and names, only one row is added, because triggers run when the whole statement has been executed.
CREATE OR REPLACE FUNCTION motcua.keep_agency_change() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, motcua AS $$
BEGIN
    PERFORM motcua.note_agency_change(NEW.agency_code);
    RETURN NEW;
END
$$;
CREATE OR REPLACE TRIGGER keep_agency_change AFTER INSERT OR UPDATE ON motcua.agencies
FOR EACH ROW EXECUTE FUNCTION motcua.keep_agency_change();

-- Record each change of an agency's other codes (agency_aliases) and former names (agency_names) in agency_changes, as
-- a change of the agency.
CREATE OR REPLACE FUNCTION motcua.keep_change_of_agency_part() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
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
CREATE OR REPLACE TRIGGER keep_agency_change AFTER INSERT OR UPDATE OR DELETE ON motcua.agency_aliases
FOR EACH ROW EXECUTE FUNCTION motcua.keep_change_of_agency_part();
CREATE OR REPLACE TRIGGER keep_agency_change AFTER INSERT OR UPDATE OR DELETE ON motcua.agency_names
FOR EACH ROW EXECUTE FUNCTION motcua.keep_change_of_agency_part();

-- Let auditors read agencies, their codes, names and changes, without the mail addresses in report_recipients.
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
    by_department,
    same_day_procedures,
    same_day_reason,
    waits_for_opening
FROM motcua.agencies;
CREATE OR REPLACE VIEW audit.agency_aliases AS
SELECT alias, agency_code FROM motcua.agency_aliases;
CREATE OR REPLACE VIEW audit.agency_changes AS
SELECT change_id, agency_code, changed_at, changed_by, before, after, by_department, silences
FROM motcua.agency_changes;
CREATE OR REPLACE VIEW audit.agency_names AS
SELECT agency_code, valid_until, name, short_name FROM motcua.agency_names;
