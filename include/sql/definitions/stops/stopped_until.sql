-- Until when messages of a kind and an agency are stopped. One that was ended early stops nothing, whatever its times
-- say: by nobody's clock does it go on. Without an agency: what is of no agency's dossier.
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
IS 'Until when messages of a kind and an agency are stopped by people; empty: they are not.';
