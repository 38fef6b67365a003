-- One signed word about a gap that holds what lies before a moment. Either until when a lost ledger may have sent:
-- what is held up to then may have been told, and is of unknown outcome. Or (NULL) that the ledger only slept: what is
-- held goes. How many are of unknown outcome; NULL: no such gap is open. Who, when and why is kept with the gap.
CREATE OR REPLACE FUNCTION motcua.answer_gap(
    of_gap bigint, sent_by timestamptz, said_by text, because text, at_gateway text, at_moment timestamptz
)
RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, motcua AS $$
DECLARE
    of_unknown_outcome bigint := 0;
    woke_at timestamptz;
BEGIN
    IF coalesce(btrim(said_by), '') = '' OR coalesce(btrim(because), '') = '' THEN
        RAISE EXCEPTION 'a gap is answered by somebody, with a reason' USING ERRCODE = 'check_violation';
    END IF;
    UPDATE motcua.gaps AS g
    SET
        closed_at = at_moment,
        closed_by = said_by,
        reason = because,
        sent_until = CASE WHEN sent_by IS NOT NULL THEN least(sent_by, g.held_until) END
    WHERE g.gap_no = of_gap AND g.closed_at IS NULL AND g.held_until IS NOT NULL
    RETURNING g.held_until INTO woke_at;
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    IF sent_by IS NOT NULL THEN
        of_unknown_outcome := motcua.hold_blind(of_gap, at_gateway, at_moment);
    END IF;
    UPDATE motcua.messages AS m
    SET reason = NULL, next_attempt_at = least(m.next_attempt_at, woke_at)
    WHERE m.state = 'queued' AND m.reason = 'slept';
    RETURN of_unknown_outcome;
END
$$;
COMMENT ON FUNCTION motcua.answer_gap(bigint, timestamptz, text, text, text, timestamptz)
IS 'Closes a gap of a ledger that slept or went back, as somebody says: it may have sent until then, or it only slept.';
