-- A quarantined row is looked at again without being written: when, follows from its age alone.
CREATE OR REPLACE FUNCTION motcua.looks_by(age interval) RETURNS double precision
LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN CASE
    WHEN age <= interval '10 minutes' THEN greatest(extract(EPOCH FROM age), 0) / 60
    WHEN age <= interval '10 hours' THEN 10 + 10 * ln(extract(EPOCH FROM age) / 600)
    ELSE 10 + 10 * ln(60) + (extract(EPOCH FROM age) - 36000) / 3600
END::double precision;
COMMENT ON FUNCTION motcua.looks_by(interval)
IS 'How often a quarantined row of this age was due to be looked at again so far: after each tenth of its age, a minute to an hour.';
