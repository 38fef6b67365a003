-- Agencies as the Department configured them, what each decides itself, its names and successors over time. Every
-- change is kept whole, with the codes and names that belong to it, and with what it silences.

CREATE TABLE motcua.agencies (
    agency_code text PRIMARY KEY CHECK (agency_code = btrim(agency_code) AND agency_code <> ''),
    name text NOT NULL CHECK (btrim(name) <> ''),
    short_name text,
    province text NOT NULL DEFAULT 'khanh_hoa',
    valid_from date,
    valid_until date,
    successor_code text REFERENCES motcua.agencies,
    enabled_from timestamptz,
    accented boolean NOT NULL DEFAULT FALSE,
    same_day_excluded boolean NOT NULL DEFAULT FALSE,
    same_day_procedures text[] NOT NULL DEFAULT '{}',
    same_day_reason text CHECK (btrim(same_day_reason) <> ''),
    kinds_off text[] NOT NULL DEFAULT '{}' CHECK (kinds_off <@ ARRAY['result', 'supplement', 'apology']),
    kinds_off_reason text CHECK (btrim(kinds_off_reason) <> ''),
    result_hold interval NOT NULL DEFAULT '0' CHECK (result_hold BETWEEN '0' AND '1 day'),
    waits_for_opening boolean NOT NULL DEFAULT FALSE,
    apology_day text NOT NULL DEFAULT 'calendar' CHECK (apology_day IN ('calendar', 'working_day')),
    report_recipients text[] NOT NULL DEFAULT '{}',
    recipients_list integer NOT NULL DEFAULT 0,
    retention interval NOT NULL DEFAULT '365 days' CHECK (retention BETWEEN '30 days' AND '3650 days'),
    changed_by text NOT NULL DEFAULT current_user CHECK (btrim(changed_by) <> ''),
    by_department boolean NOT NULL DEFAULT FALSE,
    CHECK (valid_from <= valid_until),
    CHECK (successor_code <> agency_code),
    CHECK (successor_code IS NULL OR valid_until IS NOT NULL),
    CHECK ((kinds_off = '{}') = (kinds_off_reason IS NULL)),
    CHECK (same_day_excluded OR same_day_procedures = '{}'),
    CHECK (same_day_excluded OR same_day_reason IS NULL)
);
COMMENT ON TABLE motcua.agencies IS 'One row for each agency (cơ quan) whose dossiers are told of; imported from the agencies'' YAML file.';
COMMENT ON COLUMN motcua.agencies.agency_code IS 'Code in the style of QCVN 102:2016/BTTTT, for example 000.00.04.H32.';
COMMENT ON COLUMN motcua.agencies.name IS 'Full Vietnamese name, as in official papers; former ones are in agency_names.';
COMMENT ON COLUMN motcua.agencies.short_name IS 'Name used in message texts; the full name where empty.';
COMMENT ON COLUMN motcua.agencies.province IS 'Key of the province, decides how old landline numbers are read.';
COMMENT ON COLUMN motcua.agencies.valid_from IS 'First day on which the agency exists; empty: it always has.';
COMMENT ON COLUMN motcua.agencies.valid_until IS 'Last day on which it exists; empty: it still does.';
COMMENT ON COLUMN motcua.agencies.successor_code IS 'Who is in charge of its dossiers after that day; empty: nobody, and nothing more is told.';
COMMENT ON COLUMN motcua.agencies.enabled_from IS 'Events that occurred before this moment are out of scope; empty: not enabled.';
COMMENT ON COLUMN motcua.agencies.accented IS 'Texts with Vietnamese accents (UCS-2) instead of without (GSM-7).';
COMMENT ON COLUMN motcua.agencies.same_day_excluded IS 'No messages for dossiers whose appointment is on the day of receipt, of the procedures in same_day_procedures.';
COMMENT ON COLUMN motcua.agencies.same_day_procedures IS 'Codes of the procedures that this is about; empty: all.';
COMMENT ON COLUMN motcua.agencies.same_day_reason IS 'Why they are left out, as every publication shows it; empty where it was not asked for yet.';
COMMENT ON COLUMN motcua.agencies.kinds_off IS 'Kinds of message switched off by the Department.';
COMMENT ON COLUMN motcua.agencies.kinds_off_reason IS 'Why these kinds are off, as every publication shows it; there is one exactly where a kind is off.';
COMMENT ON COLUMN motcua.agencies.result_hold IS 'A result message waits this long; a reversal meanwhile cancels it.';
COMMENT ON COLUMN motcua.agencies.waits_for_opening IS 'A message that is still of use then waits for a gateway that takes nothing at night, or no more that day, rather than go by one after it.';
COMMENT ON COLUMN motcua.agencies.apology_day IS 'Which due dates the 17:30 apology takes: of the next calendar day, or up to the next working day.';
COMMENT ON COLUMN motcua.agencies.report_recipients IS 'Mail addresses that quality reports go to. Personal data of staff; agency_changes holds only how many.';
COMMENT ON COLUMN motcua.agencies.recipients_list IS 'Number of that list; it grows with each change of an address.';
COMMENT ON COLUMN motcua.agencies.retention IS 'Numbers, names and words are kept this long after a dossier''s end, and emptied in the night after that.';
COMMENT ON COLUMN motcua.agencies.changed_by IS 'Who made the last change.';
COMMENT ON COLUMN motcua.agencies.by_department IS 'The last change was made in the Department''s name.';

CREATE TABLE motcua.agency_aliases (
    alias text PRIMARY KEY,
    agency_code text NOT NULL REFERENCES motcua.agencies
);
COMMENT ON TABLE motcua.agency_aliases IS 'Other codes under which a source may know an agency, for example H32.4 of QĐ 20/2020/QĐ-TTg.';
COMMENT ON COLUMN motcua.agency_aliases.alias IS 'The other code.';
COMMENT ON COLUMN motcua.agency_aliases.agency_code IS 'The agency meant.';

CREATE TABLE motcua.agency_names (
    agency_code text NOT NULL REFERENCES motcua.agencies,
    valid_until date NOT NULL,
    name text NOT NULL CHECK (btrim(name) <> ''),
    short_name text,
    PRIMARY KEY (agency_code, valid_until)
);
COMMENT ON TABLE motcua.agency_names IS 'Former names of agencies; the name after the last of them is in agencies.';
COMMENT ON COLUMN motcua.agency_names.agency_code IS 'The agency.';
COMMENT ON COLUMN motcua.agency_names.valid_until IS 'Last day of this name.';
COMMENT ON COLUMN motcua.agency_names.name IS 'Full Vietnamese name.';
COMMENT ON COLUMN motcua.agency_names.short_name IS 'Name used in message texts; the full name where empty.';

CREATE TABLE motcua.agency_changes (
    change_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    agency_code text NOT NULL,
    changed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    changed_by text NOT NULL CHECK (btrim(changed_by) <> ''),
    by_department boolean NOT NULL DEFAULT FALSE,
    before jsonb,
    after jsonb NOT NULL,
    silences text[] NOT NULL DEFAULT '{}'
);
CREATE INDEX agency_changes_agency ON motcua.agency_changes (agency_code, change_id);
COMMENT ON TABLE motcua.agency_changes IS 'Every change of an agency''s settings, codes and names, append-only: who, when, before, after. Holds no mail address.';
COMMENT ON COLUMN motcua.agency_changes.change_id IS 'Our number.';
COMMENT ON COLUMN motcua.agency_changes.agency_code IS 'The agency changed.';
COMMENT ON COLUMN motcua.agency_changes.changed_at IS 'When the change was written.';
COMMENT ON COLUMN motcua.agency_changes.changed_by IS 'Who changed it.';
COMMENT ON COLUMN motcua.agency_changes.by_department IS 'Made in the Department''s name.';
COMMENT ON COLUMN motcua.agency_changes.before IS 'As it was before: the row''s settings with aliases and former_names; of report_recipients how many they are and the number of their list. Empty for a new agency.';
COMMENT ON COLUMN motcua.agency_changes.after IS 'As it was after, in the same form; the next change begins with it.';
COMMENT ON COLUMN motcua.agency_changes.silences IS 'The settings through which it keeps messages from citizens (motcua.silenced_by); empty: it keeps none.';
