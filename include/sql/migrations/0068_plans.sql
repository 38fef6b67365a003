-- The first dossier of an agency, and the sources that hold any, are found without the others' dossiers, however many
-- there are.
-- depends: 0063_portal

CREATE INDEX dossiers_of_agency ON motcua.dossiers (agency_code, source_id, dossier_id);
