-- depends: 0041_people
-- Same-day procedures are left out with a reason, as publications show it, and one by one where an agency says which.

ALTER TABLE motcua.agencies ADD COLUMN same_day_procedures text[] NOT NULL DEFAULT '{}';
ALTER TABLE motcua.agencies ADD COLUMN same_day_reason text CHECK (btrim(same_day_reason) <> '');
ALTER TABLE motcua.agencies ADD CHECK (same_day_excluded OR same_day_procedures = '{}');
ALTER TABLE motcua.agencies ADD CHECK (same_day_excluded OR same_day_reason IS NULL);
COMMENT ON COLUMN motcua.agencies.same_day_excluded IS 'No messages for dossiers whose appointment is on the day of receipt, of the procedures in same_day_procedures.';
COMMENT ON COLUMN motcua.agencies.same_day_procedures IS 'Codes of the procedures that this is about; empty: all.';
COMMENT ON COLUMN motcua.agencies.same_day_reason IS 'Why they are left out, as every publication shows it; empty where it was not asked for yet.';
