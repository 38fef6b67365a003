-- depends: 0080_names
-- Drop the functions that decided what to store of dossiers that one-stop software pushed or wrote to a file. They had
-- different rules for pushes and for files. Python code (domain/intake/merging.py) now decides by the same rules for
-- both. The functions in definitions/pushes.sql give the stored dossiers to this code and write what the code decides.
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
