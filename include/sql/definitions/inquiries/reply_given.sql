-- The reply that an inquiry got when it was first brought: to be asked by whoever is brought it again.
CREATE OR REPLACE FUNCTION motcua.reply_given(at_gateway text, key_of_inquiry text)
RETURNS TABLE (text text, accented boolean, outcome text) LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, motcua AS $$
BEGIN
    RETURN QUERY
    SELECT m.text, m.accented, i.outcome
    FROM motcua.inquiries AS i
    INNER JOIN motcua.messages AS m ON i.message_id = m.message_id
    WHERE i.gateway = at_gateway AND i.dedupe_key IN (motcua.provider_id(key_of_inquiry), key_of_inquiry);
END
$$;
COMMENT ON FUNCTION motcua.reply_given(text, text) IS 'The reply that an inquiry got when it was first brought.';
