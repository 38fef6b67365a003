-- The dossiers that are looked at: not ended, or received or changed since the first of the months. Eve is the last
-- working day before the appointed one. Called by store/oversight/quality.py.
INSERT INTO quality.dossiers (
    dossier_id, agency_code, answers, source_id, procedure_code, status_code, received_at, received_nth, due_at,
    due_day, due_nth, due_working, eve, finished_at, returned_at, updated_at, textable, phone_refusal, phone_notes
)
SELECT
    d.dossier_id,
    d.agency_code,
    a.answers,
    d.source_id,
    coalesce(d.procedure_code, ''),
    d.status_code,
    d.received_at,
    received.nth,
    d.due_at,
    due.day,
    due.nth,
    due.working,
    due.previous_working_day,
    d.finished_at,
    d.returned_at,
    d.updated_at,
    -- Also of one whose number was emptied since.
    d.phone_refusal IS NULL,
    d.phone_refusal,
    nullif(d.phone_notes, '{}')
FROM motcua.dossiers AS d
INNER JOIN quality.agencies AS a ON d.agency_code = a.agency_code
LEFT JOIN quality.days AS due
    ON a.calendar = due.calendar AND (d.due_at AT TIME ZONE interval '+07:00')::date = due.day
LEFT JOIN quality.days AS received
    ON a.calendar = received.calendar AND (d.received_at AT TIME ZONE interval '+07:00')::date = received.day
WHERE
    coalesce(d.status_code NOT IN (3, 7, 10), TRUE)
    OR d.received_at >= %(since)s
    OR coalesce(d.updated_at >= %(since)s, TRUE)
