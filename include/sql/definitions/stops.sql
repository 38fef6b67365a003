-- Stops (orders of the Department, which runs the system, not to send messages for some time): until when a stop holds,
-- which changes of a stop are refused, how a stop is ended early, and what auditors may read.

-- Return until when messages of a kind and an agency are stopped, or NULL (motcua.stops). A stop that was ended early
-- stops nothing, even if ended_at is later than at_time. If of_agency is NULL, the result is for messages that are
-- about no agency's dossier.
CREATE OR REPLACE FUNCTION motcua.stopped_until(of_kind text, of_agency text, at_time timestamptz)
RETURNS timestamptz LANGUAGE sql STABLE AS $$
    SELECT (
        SELECT max(s.until)
        FROM motcua.stops AS s
        WHERE
            s.until > at_time
            AND s.ended_at IS NULL
            AND (s.kind IS NULL OR s.kind = of_kind)
            AND (s.agency_code IS NULL OR s.agency_code = of_agency)
    )
$$;
COMMENT ON FUNCTION motcua.stopped_until(text, text, timestamptz)
IS 'Returns until when messages of a kind and an agency are stopped, or NULL.';

-- Refuse every deletion and every change of a stop (motcua.stops). Only its early end may be written, once.
CREATE OR REPLACE FUNCTION motcua.keep_stop() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    may_change text[] := ARRAY['ended_at', 'ended_by'];
BEGIN
    IF TG_OP = 'UPDATE' AND OLD.ended_at IS NULL AND NEW.ended_at IS NOT NULL
        AND to_jsonb(OLD) - may_change = to_jsonb(NEW) - may_change THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'stop % is kept as it was said: % refused', OLD.stop_id, TG_OP USING ERRCODE = 'MC001';
END
$$;
COMMENT ON FUNCTION motcua.keep_stop() IS 'Refuses every deletion and every change of a stop. Only its early end may be written, once.';
CREATE OR REPLACE TRIGGER keep_stop BEFORE UPDATE OR DELETE ON motcua.stops
FOR EACH ROW EXECUTE FUNCTION motcua.keep_stop();

-- End a stop that is in force before its planned end (motcua.stops), and release the messages that waited for it
-- (motcua.messages). A message that another stop covers waits for that other stop instead. Return the number of
-- released messages, or NULL if the stop is not in force. The function waits for senders that are putting messages on
-- hold for this stop, so that no message is put on hold for it afterwards. A message that another transaction has
-- locked is left out, because that transaction checks the message again.
CREATE OR REPLACE FUNCTION motcua.end_stop(of_stop bigint, said_by text, at_time timestamptz)
RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    gone integer;
BEGIN
    UPDATE motcua.stops AS s
    SET ended_at = greatest(at_time, s.stopped_at), ended_by = said_by
    WHERE s.stop_id = of_stop AND s.ended_at IS NULL AND s.until > at_time;
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    WITH waiting AS (
        SELECT q.message_id, motcua.stopped_until(q.kind, q.agency_code, at_time) AS until
        FROM motcua.messages AS q
        WHERE
            q.state = 'queued'
            AND q.reason = 'stopped'
            AND q.next_attempt_at > coalesce(motcua.stopped_until(q.kind, q.agency_code, at_time), at_time)
        ORDER BY q.message_id
        FOR UPDATE SKIP LOCKED
    ),

    let_go AS (
        UPDATE motcua.messages AS m
        SET next_attempt_at = coalesce(w.until, at_time), reason = CASE WHEN w.until IS NOT NULL THEN 'stopped' END
        FROM waiting AS w
        WHERE m.message_id = w.message_id
        RETURNING w.until
    )

    SELECT count(*) INTO gone FROM let_go WHERE until IS NULL;
    RETURN gone;
END
$$;
COMMENT ON FUNCTION motcua.end_stop(bigint, text, timestamptz)
IS 'Ends a stop that is in force before its planned end, and releases the messages that waited for it; returns their number, or NULL if the stop is not in force.';

-- Let auditors read stops, and which stops were in force in the period of a closing (the stored figures of a period).
CREATE OR REPLACE VIEW audit.stops AS
SELECT stop_id, kind, agency_code, stopped_at, until, stopped_by, reason, ended_at, ended_by FROM motcua.stops;
CREATE OR REPLACE VIEW audit.closing_stops AS
SELECT closing_no, stop_id, ended_at FROM motcua.closing_stops;
