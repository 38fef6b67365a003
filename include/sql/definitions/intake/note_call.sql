-- Counts a call of a client, and what was wrong in it. Called by include/sql/intake/note_call.sql.
CREATE OR REPLACE FUNCTION intake.note_call(
    session_digest bytea, of_service text, were_taken bigint, were_repeated bigint, were_refused bigint, faults jsonb
) RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE
    moment timestamptz := clock_timestamp();
    today date := (moment AT TIME ZONE 'Asia/Ho_Chi_Minh')::date;
    known bigint := (SELECT c.client_id FROM intake.known_client(session_digest) AS c);
BEGIN
    IF known IS NULL THEN
        RETURN;
    END IF;
    INSERT INTO intake.client_days AS d (client_id, day, service, calls, taken, repeated, refused, last_at)
    VALUES (known, today, of_service, 1, were_taken, were_repeated, were_refused, moment)
    ON CONFLICT (client_id, day, service) DO UPDATE SET
        calls = d.calls + 1,
        taken = d.taken + excluded.taken,
        repeated = d.repeated + excluded.repeated,
        refused = d.refused + excluded.refused,
        last_at = excluded.last_at;
    INSERT INTO intake.client_hours (client_id, hour) VALUES (known, date_trunc('hour', moment)) ON CONFLICT DO NOTHING;
    IF FOUND THEN
        DELETE FROM intake.client_hours AS h WHERE h.client_id = known AND h.hour < moment - interval '60 days';
    END IF;
    INSERT INTO intake.faults AS f (client_id, day, service, fault, field, records, last_at)
    SELECT known, today, of_service, r.fault, r.field, r.records, moment
    FROM jsonb_to_recordset(faults) AS r (fault text, field text, records bigint)
    ORDER BY r.fault, r.field
    ON CONFLICT (client_id, day, service, fault, field) DO UPDATE SET
        records = f.records + excluded.records, last_at = excluded.last_at;
END
$$;
COMMENT ON FUNCTION intake.note_call(bytea, text, bigint, bigint, bigint, jsonb) IS 'Counts a call of a client, and what was wrong in it.';
