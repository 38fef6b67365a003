-- depends: 0079_clocks_and_numbers
-- Rename sequences and constraints to the names that they have in a new ledger. In earlier versions the table
-- cleaned_fields was named findings, and its sequence and constraints kept names with that word. When the present table
-- findings was created, PostgreSQL therefore added a 1 to the names of the new sequence and constraints. No code uses
-- these names.

ALTER SEQUENCE motcua.findings_finding_id_seq RENAME TO cleaned_fields_cleaned_field_id_seq;
ALTER TABLE motcua.cleaned_fields RENAME CONSTRAINT findings_pkey TO cleaned_fields_pkey;
ALTER TABLE motcua.cleaned_fields
RENAME CONSTRAINT findings_code_dossier_id_transition_id_key TO cleaned_fields_code_dossier_id_transition_id_key;
ALTER TABLE motcua.cleaned_fields RENAME CONSTRAINT findings_agency_code_fkey TO cleaned_fields_agency_code_fkey;
ALTER TABLE motcua.cleaned_fields RENAME CONSTRAINT findings_dossier_id_fkey TO cleaned_fields_dossier_id_fkey;
ALTER TABLE motcua.cleaned_fields RENAME CONSTRAINT findings_transition_id_fkey TO cleaned_fields_transition_id_fkey;
ALTER TABLE motcua.cleaned_fields
RENAME CONSTRAINT findings_finding_id_not_null TO cleaned_fields_cleaned_field_id_not_null;
ALTER TABLE motcua.cleaned_fields RENAME CONSTRAINT findings_code_not_null TO cleaned_fields_code_not_null;
ALTER TABLE motcua.cleaned_fields
RENAME CONSTRAINT findings_agency_code_not_null TO cleaned_fields_agency_code_not_null;
ALTER TABLE motcua.cleaned_fields RENAME CONSTRAINT findings_dossier_id_not_null TO cleaned_fields_dossier_id_not_null;
ALTER TABLE motcua.cleaned_fields RENAME CONSTRAINT findings_detail_not_null TO cleaned_fields_detail_not_null;
ALTER TABLE motcua.cleaned_fields RENAME CONSTRAINT findings_found_at_not_null TO cleaned_fields_found_at_not_null;

ALTER SEQUENCE motcua.findings_finding_id_seq1 RENAME TO findings_finding_id_seq;
ALTER TABLE motcua.findings RENAME CONSTRAINT findings_pkey1 TO findings_pkey;
ALTER TABLE motcua.findings RENAME CONSTRAINT findings_agency_code_fkey1 TO findings_agency_code_fkey;
ALTER TABLE motcua.findings RENAME CONSTRAINT findings_dossier_id_fkey1 TO findings_dossier_id_fkey;
ALTER TABLE motcua.findings RENAME CONSTRAINT findings_finding_id_not_null1 TO findings_finding_id_not_null;
