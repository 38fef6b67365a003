-- depends: 0049_rest17b
-- The checks of data quality that a closing knew. One that began before the cut-off and was sealed after it counted
-- when the closing was held against the facts, and had not when it was made.

ALTER TABLE motcua.closings ADD COLUMN known_quality_run bigint;
COMMENT ON COLUMN motcua.closings.known_quality_run IS 'Largest sealed check of data quality that counts; 0: there was none; empty: it was closed before this was kept, every check counts that its moment lets in.';
