-- Somebody takes back what a page asked for, before it is done. False: it is done, or was withdrawn.
CREATE OR REPLACE FUNCTION motcua.withdraw_page_request(of_request bigint, said_by text)
RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, motcua AS $$
BEGIN
    UPDATE motcua.page_requests
    SET ended_at = now(), ended_by = btrim(said_by), outcome = 'withdrawn', wanted = wanted - 'addresses'
    WHERE request_no = of_request AND ended_at IS NULL;
    RETURN FOUND;
END
$$;
COMMENT ON FUNCTION motcua.withdraw_page_request(bigint, text)
IS 'Takes back what a page asked for, before it is done; who is kept.';
