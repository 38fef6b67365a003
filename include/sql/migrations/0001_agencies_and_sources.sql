-- Agencies as the Department configured them, and the one-stop databases they are read from.

DO $$
BEGIN
    IF NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'motcua_app') THEN
        CREATE ROLE motcua_app NOLOGIN;
    END IF;
    IF NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'motcua_audit') THEN
        CREATE ROLE motcua_audit NOLOGIN;
    END IF;
END
$$;

CREATE SCHEMA motcua;
COMMENT ON SCHEMA motcua IS 'The ledger of MotcuaSMS: dossiers, transitions, messages, attempts, receipts.';
GRANT USAGE ON SCHEMA motcua TO motcua_app;

CREATE TABLE motcua.agencies (
    agency_code text PRIMARY KEY CHECK (agency_code = btrim(agency_code) AND agency_code <> ''),
    name text NOT NULL CHECK (btrim(name) <> ''),
    short_name text,
    province text NOT NULL DEFAULT 'khanh_hoa',
    enabled_from timestamptz,
    accented boolean NOT NULL DEFAULT FALSE,
    same_day_excluded boolean NOT NULL DEFAULT FALSE,
    kinds_off text[] NOT NULL DEFAULT '{}' CHECK (kinds_off <@ ARRAY['result', 'supplement', 'apology']),
    result_hold interval NOT NULL DEFAULT '0' CHECK (result_hold BETWEEN '0' AND '1 day'),
    changed_by text NOT NULL DEFAULT current_user
);
COMMENT ON TABLE motcua.agencies IS 'One row for each agency (cơ quan) whose dossiers are told of; imported from the agencies'' YAML file.';
COMMENT ON COLUMN motcua.agencies.agency_code IS 'Code in the style of QCVN 102:2016/BTTTT, for example 000.00.04.H32.';
COMMENT ON COLUMN motcua.agencies.name IS 'Full Vietnamese name, as in official papers.';
COMMENT ON COLUMN motcua.agencies.short_name IS 'Name used in message texts; the full name where empty.';
COMMENT ON COLUMN motcua.agencies.province IS 'Key of the province, decides how old landline numbers are read.';
COMMENT ON COLUMN motcua.agencies.enabled_from IS 'Events that occurred before this moment are out of scope; empty: not enabled.';
COMMENT ON COLUMN motcua.agencies.accented IS 'Texts with Vietnamese accents (UCS-2) instead of without (GSM-7).';
COMMENT ON COLUMN motcua.agencies.same_day_excluded IS 'No messages for dossiers whose appointment is on the day of receipt.';
COMMENT ON COLUMN motcua.agencies.kinds_off IS 'Kinds of message switched off by the Department.';
COMMENT ON COLUMN motcua.agencies.result_hold IS 'A result message waits this long; a reversal meanwhile cancels it.';
COMMENT ON COLUMN motcua.agencies.changed_by IS 'Who made the last change.';

CREATE TABLE motcua.agency_aliases (
    alias text PRIMARY KEY,
    agency_code text NOT NULL REFERENCES motcua.agencies
);
COMMENT ON TABLE motcua.agency_aliases IS 'Other codes under which a source may know an agency, for example H32.4 of QĐ 20/2020/QĐ-TTg.';
COMMENT ON COLUMN motcua.agency_aliases.alias IS 'The other code.';
COMMENT ON COLUMN motcua.agency_aliases.agency_code IS 'The agency meant.';

CREATE TABLE motcua.agency_changes (
    change_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    agency_code text NOT NULL,
    changed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    changed_by text NOT NULL,
    before jsonb,
    after jsonb NOT NULL
);
COMMENT ON TABLE motcua.agency_changes IS 'Every change of an agency''s settings, append-only: who, when, before, after.';
COMMENT ON COLUMN motcua.agency_changes.change_id IS 'Our number.';
COMMENT ON COLUMN motcua.agency_changes.agency_code IS 'The agency changed.';
COMMENT ON COLUMN motcua.agency_changes.changed_at IS 'When the change was written.';
COMMENT ON COLUMN motcua.agency_changes.changed_by IS 'Who changed it.';
COMMENT ON COLUMN motcua.agency_changes.before IS 'The row before; empty for a new agency.';
COMMENT ON COLUMN motcua.agency_changes.after IS 'The row after.';

CREATE FUNCTION motcua.keep_agency_change() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, motcua AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO motcua.agency_changes (agency_code, changed_by, after)
        VALUES (NEW.agency_code, NEW.changed_by, to_jsonb(NEW));
    ELSIF to_jsonb(OLD) - 'changed_by' IS DISTINCT FROM to_jsonb(NEW) - 'changed_by' THEN
        INSERT INTO motcua.agency_changes (agency_code, changed_by, before, after)
        VALUES (NEW.agency_code, NEW.changed_by, to_jsonb(OLD), to_jsonb(NEW));
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER keep_agency_change AFTER INSERT OR UPDATE ON motcua.agencies
FOR EACH ROW EXECUTE FUNCTION motcua.keep_agency_change();

CREATE FUNCTION motcua.refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only: % refused', TG_TABLE_NAME, TG_OP USING ERRCODE = 'MC001';
END
$$;
COMMENT ON FUNCTION motcua.refuse_change() IS 'Keeps an append-only table append-only, also from a hand-typed statement.';
CREATE TRIGGER refuse_change BEFORE UPDATE OR DELETE ON motcua.agency_changes
FOR EACH ROW EXECUTE FUNCTION motcua.refuse_change();

CREATE TABLE motcua.sources (
    source_id smallint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text NOT NULL UNIQUE CHECK (name ~ '^[a-z0-9_]+$'),
    cursor_transition_id bigint,
    cursor_recorded_at timestamptz,
    cursor_updated_at timestamptz,
    watch jsonb,
    picked_up_at timestamptz,
    failed_at timestamptz,
    failure text
);
COMMENT ON TABLE motcua.sources IS 'One row for each one-stop database; its Airflow connection is onestop_<name>.';
COMMENT ON COLUMN motcua.sources.source_id IS 'Our number.';
COMMENT ON COLUMN motcua.sources.name IS 'Name in MOTCUA_SOURCES and in the connection id.';
COMMENT ON COLUMN motcua.sources.cursor_transition_id IS 'Largest transition id read so far.';
COMMENT ON COLUMN motcua.sources.cursor_recorded_at IS 'Transitions are read again from this moment less the overlap.';
COMMENT ON COLUMN motcua.sources.cursor_updated_at IS 'Dossier rows are read again from this moment less the overlap.';
COMMENT ON COLUMN motcua.sources.watch IS 'Counts and sums of the rows inside the overlap at the last pick-up; the watcher compares them with the source''s.';
COMMENT ON COLUMN motcua.sources.picked_up_at IS 'When the last pick-up succeeded.';
COMMENT ON COLUMN motcua.sources.failed_at IS 'When the last pick-up failed; empty after a success.';
COMMENT ON COLUMN motcua.sources.failure IS 'Why it failed.';

CREATE TABLE motcua.status_maps (
    source_id smallint NOT NULL REFERENCES motcua.sources,
    source_status smallint NOT NULL,
    status_code smallint NOT NULL CHECK (status_code BETWEEN 1 AND 10),
    PRIMARY KEY (source_id, source_status)
);
COMMENT ON TABLE motcua.status_maps IS 'Status codes of a source that differ from the national codes 1-10.';
COMMENT ON COLUMN motcua.status_maps.source_id IS 'The source.';
COMMENT ON COLUMN motcua.status_maps.source_status IS 'The code as the source writes it.';
COMMENT ON COLUMN motcua.status_maps.status_code IS 'The national code it stands for.';

CREATE TABLE motcua.gateways (
    name text PRIMARY KEY CHECK (name ~ '^[a-z0-9_]+$'),
    stopped_until timestamptz,
    stopped_reason text
);
COMMENT ON TABLE motcua.gateways IS 'One row for each SMS gateway; its Airflow connection is sms_<name>.';
COMMENT ON COLUMN motcua.gateways.name IS 'Name in MOTCUA_GATEWAYS and in the connection id.';
COMMENT ON COLUMN motcua.gateways.stopped_until IS 'Nothing is sent through it before this moment (a configuration error was answered).';
COMMENT ON COLUMN motcua.gateways.stopped_reason IS 'The gateway''s answer that stopped it.';

GRANT SELECT, INSERT, UPDATE ON motcua.agencies, motcua.sources, motcua.status_maps, motcua.gateways TO motcua_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON motcua.agency_aliases TO motcua_app;
GRANT SELECT ON motcua.agency_changes TO motcua_app;
