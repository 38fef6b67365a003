-- By agency, procedure and month: moves in the last minutes before apologies, pauses, and results that should have been
-- told; summed up in fill_agency_month_facts. Called by store/oversight/quality.py.
INSERT INTO quality.month_cells (
    agency_code, procedure_code, month, received, textable, results, uncollected, collected, at_once, beats, pauses,
    late_pauses, expected, delivered, no_phone
)
SELECT
    f.agency_code,
    f.procedure_code,
    date_trunc('month', f.beat_at AT TIME ZONE interval '+07:00')::date,
    0,
    0,
    0,
    0,
    0,
    0,
    count(*),
    0,
    0,
    0,
    0,
    0
FROM quality.dossier_facts AS f
WHERE f.beat_at IS NOT NULL
GROUP BY f.agency_code, f.procedure_code, date_trunc('month', f.beat_at AT TIME ZONE interval '+07:00')::date
UNION ALL
SELECT
    f.agency_code,
    f.procedure_code,
    f.pause_month,
    0,
    0,
    0,
    0,
    0,
    0,
    0,
    count(*),
    count(*) FILTER (WHERE f.paused_late),
    0,
    0,
    0
FROM quality.dossier_facts AS f
WHERE f.pause_month IS NOT NULL
GROUP BY f.agency_code, f.procedure_code, f.pause_month
UNION ALL
SELECT
    f.agency_code,
    f.procedure_code,
    f.desk_result_month,
    0,
    0,
    0,
    0,
    0,
    0,
    0,
    0,
    0,
    count(*),
    count(*) FILTER (WHERE f.result_message = 'delivered'),
    count(*) FILTER (WHERE f.result_message = 'no_phone')
FROM quality.dossier_facts AS f
WHERE
    f.desk_result_month >= %(since_day)s::date AND f.enabled
    AND coalesce(
        f.result_message NOT IN ('pending', 'off', 'cancelled'),
        f.desk_result_at < %(as_of)s::timestamptz - interval '1 hour'
    )
GROUP BY f.agency_code, f.procedure_code, f.desk_result_month
