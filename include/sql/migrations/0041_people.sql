-- depends: 0040_personal_data_requests
-- What people or runs decide is signed by somebody. Rows that are there already are not looked at.

ALTER TABLE motcua.agencies ADD CHECK (btrim(changed_by) <> '') NOT VALID;
ALTER TABLE motcua.agency_changes ADD CHECK (btrim(changed_by) <> '') NOT VALID;
ALTER TABLE motcua.calendar_changes ADD CHECK (btrim(changed_by) <> '') NOT VALID;
ALTER TABLE motcua.complaint_changes ADD CHECK (btrim(changed_by) <> '') NOT VALID;
ALTER TABLE motcua.gaps ADD CHECK (btrim(closed_by) <> '') NOT VALID;
ALTER TABLE motcua.gateway_changes ADD CHECK (btrim(changed_by) <> '') NOT VALID;
-- The role of whoever forgot to sign is nobody.
ALTER TABLE motcua.gateway_changes ALTER COLUMN changed_by DROP DEFAULT;
