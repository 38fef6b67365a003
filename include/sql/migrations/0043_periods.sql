-- depends: 0042_settings
-- Closings of quarters and years besides days and months.

ALTER TABLE motcua.closings
DROP CONSTRAINT closings_period_check,
ADD CONSTRAINT closings_period_check
CHECK (period ~ '^[0-9]{4}(-Q[1-4]|-(0[1-9]|1[0-2])(-(0[1-9]|[12][0-9]|3[01]))?)?$'),
ADD COLUMN period_length text NOT NULL GENERATED ALWAYS AS (
    CASE
        WHEN char_length(period) = 10 THEN 'day'
        WHEN char_length(period) = 4 THEN 'year'
        WHEN substr(period, 6, 1) = 'Q' THEN 'quarter'
        ELSE 'month'
    END
) STORED;
CREATE INDEX closings_of_length ON motcua.closings (period_length, period);
COMMENT ON TABLE motcua.closings IS 'Closings of a day, month, quarter or year, append-only; what arrives later is seen in a correction of the closed period.';
COMMENT ON COLUMN motcua.closings.period IS 'The day (2026-11-24), month (2026-11), quarter (2026-Q4) or year (2026), by the calendar of Vietnam.';
COMMENT ON COLUMN motcua.closings.period_length IS 'day, month, quarter or year; what period says.';
