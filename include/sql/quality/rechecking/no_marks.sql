-- The marks of a dossier that is judged by itself: none, since they are made of what others have too. The columns are
-- those of quality.marks. Called by store/rechecks.py.
SELECT
    NULL::bigint AS dossier_id,
    NULL::timestamptz AS due_moved_at,
    NULL::integer AS late_moves,
    NULL::integer AS unexplained_moves,
    NULL::date AS due_day_at_pause,
    NULL::timestamptz AS procedure_changed_at,
    NULL::integer AS phone_owners,
    NULL::timestamptz AS number_failed_at,
    NULL::timestamptz AS own_number_failed_at,
    NULL::timestamptz AS refiled_at,
    NULL::integer AS refiled_nth,
    NULL::integer AS inquiries,
    NULL::timestamptz AS last_inquiry_at,
    NULL::timestamptz AS complained_at,
    NULL::timestamptz AS cleaned_time_at,
    NULL::text AS cleaned,
    NULL::timestamptz AS register_ready_at,
    NULL::timestamptz AS register_handed_at
WHERE FALSE
