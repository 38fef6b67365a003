-- depends: 0080_names
-- What is pushed and what is exported is judged by one rule, outside the ledger (domain/intake/merging.py): the
-- functions that judged each go. Those that read what is known and write what was decided are definitions.
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
