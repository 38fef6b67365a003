-- depends: 0080_names
-- Drop the functions that decided what to store of pushed dossiers and of exported dossiers, each in its own way. Code
-- outside the ledger now decides this by one rule (domain/intake/merging.py). The functions that read the stored rows
-- and write the decisions are in definitions/pushes.sql.
DROP FUNCTION IF EXISTS intake.take_dossiers(bytea, jsonb);
DROP FUNCTION IF EXISTS intake.take_steps(bytea, jsonb);
DROP FUNCTION IF EXISTS intake.follow_steps(text, text[], timestamptz);
DROP FUNCTION IF EXISTS intake.last_steps(text, text, text);
DROP FUNCTION IF EXISTS intake.begin_push(bytea);
DROP FUNCTION IF EXISTS intake.next_number(text, bigint);
DROP FUNCTION IF EXISTS intake.agency_named(text);
DROP FUNCTION IF EXISTS intake.take_export(bigint, bigint, timestamptz, boolean, boolean, jsonb);
DROP FUNCTION IF EXISTS intake.compare_export(bigint, text[], text[]);
DROP FUNCTION IF EXISTS intake.note_vanished(bigint, bigint, text[], text[]);
