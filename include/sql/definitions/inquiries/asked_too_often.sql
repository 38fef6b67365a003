-- Whether this phone has asked often enough today, and this gateway within a minute: counts to the limits, no further.
CREATE OR REPLACE FUNCTION motcua.asked_too_often(
    at_gateway text, asking_phone text, since_day timestamptz, since_minute timestamptz, phone_limit integer,
    gateway_limit integer
)
RETURNS TABLE (phone_is_over boolean, gateway_is_over boolean) LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, motcua AS $$
BEGIN
    RETURN QUERY
    SELECT
        (
            SELECT count(*)
            FROM (
                SELECT 1
                FROM motcua.inquiries
                WHERE msisdn = asking_phone AND received_at >= since_day
                ORDER BY received_at
                LIMIT phone_limit
            ) AS by_phone
        ) >= phone_limit AS phone_is_over,
        (
            SELECT count(*)
            FROM (
                SELECT 1
                FROM motcua.inquiries
                WHERE gateway = at_gateway AND received_at >= since_minute
                ORDER BY received_at
                LIMIT gateway_limit
            ) AS by_gateway
        ) >= gateway_limit AS gateway_is_over;
END
$$;
COMMENT ON FUNCTION motcua.asked_too_often(text, text, timestamptz, timestamptz, integer, integer)
IS 'Whether a phone has used up its day of inquiries, and a gateway its minute.';
