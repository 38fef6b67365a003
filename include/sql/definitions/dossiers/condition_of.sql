-- Kind of message that this status calls for: both halves, the status and the desk, must hold.
CREATE OR REPLACE FUNCTION motcua.condition_of(status_code smallint, at_one_stop_desk boolean) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN CASE
    WHEN NOT at_one_stop_desk THEN NULL
    WHEN status_code = 9 THEN 'result'
    WHEN status_code = 5 THEN 'supplement'
END;
COMMENT ON FUNCTION motcua.condition_of(smallint, boolean)
IS 'Kind of message that this status calls for: both halves, the status and the desk, must hold.';
