-- Waits until nobody else imports settings of agencies or sets some on a page, and holds them for the rest of this
-- transaction. Called by include/sql/agencies/one_at_a_time.sql.
CREATE OR REPLACE FUNCTION motcua.wait_for_settings() RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog AS $$
    SELECT pg_advisory_xact_lock(5)
$$;
COMMENT ON FUNCTION motcua.wait_for_settings()
IS 'Waits until nobody else sets or imports settings of agencies, and holds them for the rest of the transaction.';
