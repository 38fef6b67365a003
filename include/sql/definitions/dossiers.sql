-- Dossiers: how dossier codes are compared, what a dossier's last step is (a step is a row of motcua.transitions), how
-- a dossier was at a given time, and what auditors may read.

-- Return a dossier code in the form in which codes are compared, so that a dossier is found although a citizen types
-- its code differently. Four indexes contain values of this function. The function may be changed only by a migration
-- that also builds these indexes again. Such a migration must create the function with the same text as this file.
CREATE OR REPLACE FUNCTION motcua.code_key(code text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN translate(
    upper(
        CASE
            WHEN octet_length(code) = char_length(code) THEN code
            ELSE translate(
                code,
                'àáảãạăằắẳẵặâầấẩẫậèéẻẽẹêềếểễệìíỉĩịòóỏõọôồốổỗộơờớởỡợùúủũụưừứửữựỳýỷỹỵđ'
                || 'ÀÁẢÃẠĂẰẮẲẴẶÂẦẤẨẪẬÈÉẺẼẸÊỀẾỂỄỆÌÍỈĨỊÒÓỎÕỌÔỒỐỔỖỘƠỜỚỞỠỢÙÚỦŨỤƯỪỨỬỮỰỲÝỶỸỴĐ'
                || '‐‑‒–—−' || chr(160),
                'aaaaaaaaaaaaaaaaaeeeeeeeeeeeiiiiiooooooooooooooooouuuuuuuuuuuyyyyyd'
                || 'AAAAAAAAAAAAAAAAAEEEEEEEEEEEIIIIIOOOOOOOOOOOOOOOOOUUUUUUUUUUUYYYYYD'
                || '------'
            )
        END COLLATE "C"
    ),
    'OIL _',
    '011'
);
COMMENT ON FUNCTION motcua.code_key(text)
IS 'Returns a dossier code in the form in which codes are compared: upper case, without accents, blanks and _, each dash as a hyphen; O is replaced by 0, and I and L by 1.';

-- Return the kind of message that a dossier's status calls for, or NULL. A dossier calls for a message only while it is
-- at the one-stop desk: with status 9 for a result message, and with status 5 for a message about missing papers
-- (supplement). Such a status at the desk is called the condition that calls for a message.
CREATE OR REPLACE FUNCTION motcua.condition_of(status_code smallint, at_one_stop_desk boolean) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN CASE
    WHEN NOT at_one_stop_desk THEN NULL
    WHEN status_code = 9 THEN 'result'
    WHEN status_code = 5 THEN 'supplement'
END;
COMMENT ON FUNCTION motcua.condition_of(smallint, boolean)
IS 'Returns the kind of message that a dossier calls for by its status, or NULL. A dossier calls for a message only at the one-stop desk.';

-- Return a dossier's last step that was recorded by a given time (motcua.transitions, motcua.old_steps). Only steps and
-- versions (motcua.dossier_versions) up to the given numbers are used. An old step, which somebody typed in late, is
-- never returned. row_speaks is true if old steps follow the returned step, and the last of them counts or is not
-- judged yet. If row_speaks is true, the caller must take the status from the dossier's row or version.
CREATE OR REPLACE FUNCTION motcua.last_step(
    of_dossier bigint, moment timestamptz, known_version bigint, known_transition bigint
)
RETURNS TABLE (
    to_step text, status_code smallint, occurred_at timestamptz, recorded_at timestamptz, picked_up_at timestamptz,
    row_speaks boolean
)
LANGUAGE sql STABLE AS $$
    SELECT t.to_step, t.status_code, t.occurred_at, t.recorded_at, t.picked_up_at, coalesce(o.row_speaks, FALSE)
    FROM (
        SELECT n.*
        FROM motcua.transitions AS n
        WHERE
            n.dossier_id = of_dossier AND n.recorded_at <= moment AND n.transition_id <= known_transition
            AND NOT EXISTS (
                SELECT 1 FROM motcua.old_steps AS s
                WHERE s.transition_id = n.transition_id AND s.known_from <= known_transition
            )
        ORDER BY n.sequence DESC, n.from_row DESC, n.transition_id DESC
        LIMIT 1
    ) AS t
    LEFT JOIN LATERAL (
        SELECT coalesce(s.version_id > known_version, TRUE) OR s.has_force AS row_speaks
        FROM motcua.old_steps AS s
        INNER JOIN motcua.transitions AS n ON s.transition_id = n.transition_id
        WHERE
            s.dossier_id = of_dossier AND s.known_from <= known_transition AND n.recorded_at <= moment
            AND (n.sequence, n.from_row, n.transition_id) > (t.sequence, t.from_row, t.transition_id)
        ORDER BY n.sequence DESC, n.from_row DESC, n.transition_id DESC
        LIMIT 1
    ) AS o ON TRUE
$$;
COMMENT ON FUNCTION motcua.last_step(bigint, timestamptz, bigint, bigint)
IS 'Returns a dossier''s last step that was recorded by a given time, using only steps and versions up to the given numbers. An old step, which somebody typed in late, is never returned. row_speaks is about the last of the old steps after the returned step: it is true if this old step counts, or if it is not decided whether it counts. The status must then be taken from the dossier''s row or version.';

-- Return a dossier as it was at a given time, using only versions and steps up to the given numbers
-- (motcua.dossier_versions, motcua.last_step). The dates are those of the last version by that time, or of the first
-- version if all versions are later. The status is that of the last version or that of the last step by that time,
-- whichever is newer. If motcua.last_step returns a true row_speaks, the status is that of the version. handed_over is
-- true if, by that time, the result was handed to the citizen, and the last step had not happened after the hand-over.
-- No row means that the ledger had no version of the dossier.
CREATE OR REPLACE FUNCTION motcua.dossier_as_of(
    of_dossier bigint, moment timestamptz, known_version bigint, known_transition bigint
)
RETURNS TABLE (due_at timestamptz, received_at timestamptz, status_code smallint, handed_over boolean)
LANGUAGE sql STABLE AS $$
    SELECT
        r.due_at,
        r.received_at,
        CASE
            WHEN t.row_speaks AND r.is_of_then AND r.status_code IS NOT NULL THEN r.status_code
            WHEN NOT r.is_of_then OR t.recorded_at > coalesce(r.updated_at, '-infinity') THEN t.status_code
            ELSE r.status_code
        END,
        coalesce(r.is_of_then AND r.returned_at <= moment AND coalesce(t.occurred_at <= r.returned_at, TRUE), FALSE)
    FROM (
        SELECT
            v.due_at,
            v.received_at,
            v.status_code,
            v.returned_at,
            v.updated_at,
            coalesce(v.updated_at, v.seen_at) <= moment AS is_of_then
        FROM motcua.dossier_versions AS v
        WHERE v.dossier_id = of_dossier AND v.version_id <= known_version
        ORDER BY
            coalesce(v.updated_at, v.seen_at) <= moment DESC,
            CASE WHEN coalesce(v.updated_at, v.seen_at) <= moment THEN v.version_id END DESC,
            v.version_id
        LIMIT 1
    ) AS r
    LEFT JOIN LATERAL motcua.last_step(of_dossier, moment, known_version, known_transition) AS t ON TRUE
$$;
COMMENT ON FUNCTION motcua.dossier_as_of(bigint, timestamptz, bigint, bigint)
IS 'Returns a dossier as it was at a given time, using only versions and steps up to the given numbers. The dates are those of the last version by that time, or of the first version if all are later. The status is that of the last version or that of the last step by that time, whichever is newer; if motcua.last_step returns a true row_speaks, it is that of the version. handed_over is true if, by that time, the result was handed to the citizen and no step happened after that. No row means that the ledger had no version of the dossier.';

-- Insert a dossier into phone_changes when its phone number or phone_refusal (why it has no usable number) changed, or
-- when one of its messages became suppressed, undelivered or rejected. The next planning of messages compares the
-- messages of the inserted dossiers with their phone numbers.
CREATE OR REPLACE FUNCTION motcua.note_phone_change() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, motcua AS $$
BEGIN
    INSERT INTO motcua.phone_changes (dossier_id) VALUES (NEW.dossier_id);
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION motcua.note_phone_change()
IS 'Inserts the dossier into phone_changes when its phone number or phone_refusal (why it has no usable number) changed, or when one of its messages became suppressed, undelivered or rejected. The dossier''s messages are then compared with its number.';
CREATE OR REPLACE TRIGGER note_phone_change AFTER UPDATE ON motcua.dossiers FOR EACH ROW
WHEN ((old.msisdn, old.phone_refusal) IS DISTINCT FROM (new.msisdn, new.phone_refusal) AND new.purged_at IS NULL)
EXECUTE FUNCTION motcua.note_phone_change();
CREATE OR REPLACE TRIGGER note_phone_change AFTER UPDATE ON motcua.messages FOR EACH ROW
WHEN (new.state IN ('suppressed', 'undelivered', 'rejected') AND new.state <> old.state AND new.dossier_id IS NOT NULL)
EXECUTE FUNCTION motcua.note_phone_change();

-- Let auditors read dossiers, their versions, steps and corrected fields, without names and phone numbers.
CREATE OR REPLACE VIEW audit.dossiers AS
SELECT
    dossier_id,
    source_id,
    agency_code,
    dossier_code,
    procedure_code,
    phone_refusal,
    phone_notes,
    submitted_via,
    received_at,
    due_at, step_name, status_code, at_one_stop_desk, finished_at, returned_at, updated_at, picked_up_at
FROM motcua.dossiers;
CREATE OR REPLACE VIEW audit.dossier_versions AS
SELECT
    version_id, dossier_id, seen_at, updated_at, procedure_code, received_at, due_at, step_name, status_code,
    at_one_stop_desk, finished_at, returned_at, submitted_via
FROM motcua.dossier_versions;
CREATE OR REPLACE VIEW audit.transitions AS
SELECT
    transition_id, source_id, source_transition_id, dossier_id, sequence, from_row, from_step, to_step, status_code,
    at_one_stop_desk, occurred_at, recorded_at, picked_up_at, planned_at, outcome, message_id
FROM motcua.transitions;
CREATE OR REPLACE VIEW audit.cleaned_fields AS
SELECT cleaned_field_id, code, agency_code, dossier_id, transition_id, detail, found_at, last_seen_at
FROM motcua.cleaned_fields;
