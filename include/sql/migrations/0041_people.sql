-- depends: 0040_personal_data_requests
-- Who says what a source's code stands for is kept; and what people or runs decide is signed by somebody. Rows that
-- are there already are not looked at.

ALTER TABLE motcua.status_maps ADD COLUMN mapped_by text CHECK (btrim(mapped_by) <> '');
COMMENT ON COLUMN motcua.status_maps.mapped_by IS 'Who last said so; empty: before that was kept. Personal data of staff.';
ALTER TABLE motcua.agencies ADD CHECK (btrim(changed_by) <> '') NOT VALID;
ALTER TABLE motcua.agency_changes ADD CHECK (btrim(changed_by) <> '') NOT VALID;
ALTER TABLE motcua.calendar_changes ADD CHECK (btrim(changed_by) <> '') NOT VALID;
ALTER TABLE motcua.complaint_changes ADD CHECK (btrim(changed_by) <> '') NOT VALID;
ALTER TABLE motcua.gaps ADD CHECK (btrim(closed_by) <> '') NOT VALID;
ALTER TABLE motcua.gateway_changes ADD CHECK (btrim(changed_by) <> '') NOT VALID;
-- The role of whoever forgot to sign is nobody.
ALTER TABLE motcua.gateway_changes ALTER COLUMN changed_by DROP DEFAULT;
