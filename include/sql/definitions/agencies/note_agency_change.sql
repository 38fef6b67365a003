-- Writes agency_changes, where something did change. The same instant must read the same in whatever time zone a
-- session is.
CREATE OR REPLACE FUNCTION motcua.note_agency_change(of_agency text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, motcua
SET timezone = 'UTC' SET intervalstyle = 'iso_8601' AS $$
DECLARE
    settings motcua.agencies;
    was jsonb;
    now_is jsonb;
BEGIN
    SELECT * INTO settings FROM motcua.agencies WHERE agency_code = of_agency FOR NO KEY UPDATE;
    -- A change from before there were these settings: they were as they are where nobody said anything.
    SELECT '{"same_day_procedures": [], "same_day_reason": null}'::jsonb || after INTO was
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
IS 'Writes a row of agency_changes if the agency differs from what the last one says.';
