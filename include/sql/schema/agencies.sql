-- Agencies: the settings that the Department (which runs the system) or the agency itself decides, other codes, former
-- names and successors. Each change of an agency is stored with all its settings, codes and names before and after the
-- change, and with the names of those settings through which the change stops or delays messages to citizens.

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
COMMENT ON TABLE motcua.agencies IS 'Agencies (cơ quan) whose dossiers are in the ledger, one row each; imported from the agencies'' YAML file.';
COMMENT ON COLUMN motcua.agencies.agency_code IS 'Code in the form of QCVN 102:2016/BTTTT, for example 000.00.04.H32.';
COMMENT ON COLUMN motcua.agencies.name IS 'Full Vietnamese name as in official papers. Former names are in agency_names.';
COMMENT ON COLUMN motcua.agencies.short_name IS 'Name in the texts of messages; empty: the full name is used.';
COMMENT ON COLUMN motcua.agencies.province IS 'Key of the province of the agency. Old landline numbers in the agency''s phone fields are read with the area codes of this province.';
COMMENT ON COLUMN motcua.agencies.valid_from IS 'First day on which the agency exists; empty: it has always existed.';
COMMENT ON COLUMN motcua.agencies.valid_until IS 'Last day on which the agency exists; empty: it still exists.';
COMMENT ON COLUMN motcua.agencies.successor_code IS 'Agency that is in charge of the dossiers after valid_until; empty: no agency is, and no more messages are sent.';
COMMENT ON COLUMN motcua.agencies.enabled_from IS 'Time from which the agency is enabled. No message is sent about an event before this time; empty: the agency is not enabled.';
COMMENT ON COLUMN motcua.agencies.accented IS 'Whether texts have Vietnamese accents (UCS-2) or not (GSM-7).';
COMMENT ON COLUMN motcua.agencies.same_day_excluded IS 'Whether dossiers that are due on the day of receipt get no messages, for the procedures in same_day_procedures.';
COMMENT ON COLUMN motcua.agencies.same_day_procedures IS 'Codes of the procedures to which same_day_excluded applies; an empty list: all procedures.';
COMMENT ON COLUMN motcua.agencies.same_day_reason IS 'Why same-day dossiers are excluded; publications show the reason. Empty: none are excluded, or no reason was required when they were excluded.';
COMMENT ON COLUMN motcua.agencies.kinds_off IS 'Kinds of message that the Department has switched off.';
COMMENT ON COLUMN motcua.agencies.kinds_off_reason IS 'Why the kinds in kinds_off are off; publications show the reason. There is a reason if and only if a kind is off.';
COMMENT ON COLUMN motcua.agencies.result_hold IS 'How long a result message waits before it is sent. If the result is revoked in that time, the message is cancelled.';
COMMENT ON COLUMN motcua.agencies.waits_for_opening IS 'Whether a message waits while its preferred gateway is closed, at night or because a quota is used up, instead of going through the next gateway. A message that would be useless by the opening does not wait.';
COMMENT ON COLUMN motcua.agencies.apology_day IS 'Which due dates the apologies of 17:30 are about: the next calendar day (calendar), or all days up to the next working day (working_day).';
COMMENT ON COLUMN motcua.agencies.report_recipients IS 'Mail addresses that get quality reports. Personal data of staff; agency_changes holds only how many addresses there are.';
COMMENT ON COLUMN motcua.agencies.recipients_list IS 'Number of the present list of addresses. Each change of an address increases it.';
COMMENT ON COLUMN motcua.agencies.retention IS 'How long phone numbers, names and texts are stored after a dossier has ended. They are emptied in the night after that time.';
COMMENT ON COLUMN motcua.agencies.changed_by IS 'Person who made the last change.';
COMMENT ON COLUMN motcua.agencies.by_department IS 'Whether the last change was made in the Department''s name.';

CREATE TABLE motcua.agency_aliases (
    alias text PRIMARY KEY,
    agency_code text NOT NULL REFERENCES motcua.agencies
);
COMMENT ON TABLE motcua.agency_aliases IS 'Other codes under which a source may know an agency, for example H32.4 in the form of QĐ 20/2020/QĐ-TTg.';
COMMENT ON COLUMN motcua.agency_aliases.alias IS 'The other code.';
COMMENT ON COLUMN motcua.agency_aliases.agency_code IS 'The agency that the other code also stands for.';

CREATE TABLE motcua.agency_names (
    agency_code text NOT NULL REFERENCES motcua.agencies,
    valid_until date NOT NULL,
    name text NOT NULL CHECK (btrim(name) <> ''),
    short_name text,
    PRIMARY KEY (agency_code, valid_until)
);
COMMENT ON TABLE motcua.agency_names IS 'Former names of agencies. The present name of an agency is in the table agencies.';
COMMENT ON COLUMN motcua.agency_names.agency_code IS 'The agency that had the name.';
COMMENT ON COLUMN motcua.agency_names.valid_until IS 'Last day on which the former name was in force.';
COMMENT ON COLUMN motcua.agency_names.name IS 'Full former name in Vietnamese.';
COMMENT ON COLUMN motcua.agency_names.short_name IS 'Former name in the texts of messages; empty: the full name was used.';

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
COMMENT ON TABLE motcua.agency_changes IS 'Every change of an agency''s settings, codes and names, append-only: who, when, before and after. Holds no mail address.';
COMMENT ON COLUMN motcua.agency_changes.change_id IS 'Our number of the change.';
COMMENT ON COLUMN motcua.agency_changes.agency_code IS 'The agency that was changed.';
COMMENT ON COLUMN motcua.agency_changes.changed_at IS 'When the change was written.';
COMMENT ON COLUMN motcua.agency_changes.changed_by IS 'Person who made the change.';
COMMENT ON COLUMN motcua.agency_changes.by_department IS 'Whether the change was made in the Department''s name.';
COMMENT ON COLUMN motcua.agency_changes.before IS 'Settings before the change, with aliases and former_names; of the mail addresses only how many there are, and recipients_list. Empty for a new agency.';
COMMENT ON COLUMN motcua.agency_changes.after IS 'Settings after the change, in the same form. The agency''s next change has them in the column before.';
COMMENT ON COLUMN motcua.agency_changes.silences IS 'Settings by which the change keeps or delays messages that citizens would have got before (found by motcua.silenced_by); empty: none.';
