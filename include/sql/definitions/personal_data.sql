-- Personal data: until when it is stored, and triggers that refuse every change of such data except emptying. The
-- function in purge.sql empties the data.

-- Show until when each dossier's personal data is stored (kept_until). The data is stored for the agency's retention
-- term after the dossier's end (ended_at), or only until the end if a citizen asked for the erasure. A dossier ends
-- when its result is handed over, unless a step or a change of its row after the hand-over shows that it goes on. It
-- also ends when its status shows that it was not accepted, that it was withdrawn, or that its result was returned. If
-- nobody collects a result, the dossier ends a year later. The status is that of the row or that of the last step,
-- whichever is newer. may_be_told is true if a message about the dossier may still be planned or sent or get another
-- outcome. is_complained_of is true if a complaint about the dossier is open. Called by motcua.purge_personal_data and
-- include/sql/personal_data.sql.
CREATE OR REPLACE VIEW motcua.dossier_terms AS
SELECT
    d.dossier_id,
    d.agency_code,
    d.dossier_code,
    d.picked_up_at,
    d.purged_at,
    e.ended_at,
    CASE WHEN d.erase_asked_at IS NULL THEN e.ended_at + g.retention ELSE e.ended_at END AS kept_until,
    (
        EXISTS (
            SELECT 1 FROM motcua.transitions AS t WHERE t.dossier_id = d.dossier_id AND t.planned_at IS NULL
        ) OR EXISTS (
            SELECT 1 FROM motcua.messages AS m
            WHERE
                m.dossier_id = d.dossier_id
                AND (
                    m.state IN ('queued', 'sending', 'unknown')
                    OR (m.kind <> 'reply' AND (m.state = 'accepted' OR m.useful_until > clock_timestamp()))
                )
        )
    ) AS may_be_told,
    exists(
        SELECT 1 FROM motcua.complaints AS c
        WHERE c.dossier_id = d.dossier_id AND c.outcome = 'open' AND c.withdrawn_at IS NULL
    ) AS is_complained_of
FROM motcua.dossiers AS d
INNER JOIN motcua.agencies AS g ON d.agency_code = g.agency_code
LEFT JOIN LATERAL (
    SELECT t.status_code, t.occurred_at, t.recorded_at
    FROM motcua.transitions AS t
    WHERE t.dossier_id = d.dossier_id
    ORDER BY t.sequence DESC, t.from_row DESC, t.transition_id DESC
    LIMIT 1
) AS l ON TRUE
CROSS JOIN
    LATERAL (
        SELECT
            CASE WHEN l.recorded_at > coalesce(d.updated_at, '-infinity') THEN l.status_code ELSE d.status_code END
                AS status_code,
            -- A step after the hand-over, or a change of the row more than a day after it, shows that the dossier goes
            -- on, unless the status of the step or the row is 9 or 10.
            d.returned_at IS NOT NULL
            AND coalesce(l.status_code IN (9, 10) OR l.occurred_at <= d.returned_at, TRUE)
            AND coalesce(d.status_code IN (9, 10) OR d.updated_at <= d.returned_at + interval '1 day', TRUE)
                AS handed_over
    ) AS s
CROSS JOIN LATERAL (
    SELECT
        CASE
            WHEN coalesce(s.status_code IN (3, 7, 9, 10), FALSE) OR s.handed_over
                THEN coalesce(
                -- A returned_at or finished_at after the last reading lies in the future and cannot be the end.
                    greatest(least(greatest(d.returned_at, d.finished_at), d.picked_up_at), l.occurred_at),
                    d.updated_at,
                    d.picked_up_at
                ) + CASE WHEN s.status_code = 9 AND NOT s.handed_over THEN interval '365 days' ELSE interval '0' END
        END AS ended_at
) AS e;
COMMENT ON VIEW motcua.dossier_terms
IS 'Shows until when each dossier''s personal data is stored, and whether a message or an open complaint makes it necessary for longer.';

-- Return whether a text that was typed as a dossier's code may be a code, and not a name, a phone number or an identity
-- number. A code has a digit. It contains no phone number, no separate group of twelve digits, and no separate group of
-- nine digits with other words beside it. If no code was typed, the result is true.
CREATE OR REPLACE FUNCTION motcua.is_like_a_code(written text) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN coalesce(
    written ~ '[0-9]'
    AND written !~ '(^|[^0-9A-Za-z])[+]?(84|0)?[ .-]?[35789]([ .-]?[0-9]){8}($|[^0-9A-Za-z])'
    AND written !~ '(^|[^0-9A-Za-z.-])[0-9]{12}($|[^0-9A-Za-z.-])'
    AND written !~ '(^| )[0-9]{9} | [0-9]{9}($| )',
    TRUE
);
COMMENT ON FUNCTION motcua.is_like_a_code(text)
IS 'Returns whether a text that was typed as a dossier''s code may be a code, and not a name, a phone number or an identity number.';

-- Wait until no other transaction empties personal data, and make later transactions of this kind wait until this
-- transaction ends. This is lock 7 of store/ledger/locks.py. The role of the purge may take this advisory lock and no
-- other. Called by include/sql/personal_data.sql.
CREATE OR REPLACE FUNCTION motcua.wait_for_emptying() RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog AS $$
    SELECT pg_advisory_xact_lock(7)
$$;
COMMENT ON FUNCTION motcua.wait_for_emptying()
IS 'Waits until no other transaction empties personal data, and keeps others waiting until this transaction ends.';

-- Refuse every change of a row except that motcua.purge_personal_data empties the columns of personal data that the
-- trigger names. Even the schema's owner is refused. From a column that is not text, such as the raw receipt, parts may
-- be removed. A code that no dossier has, or a provider's identifier, may be replaced by a pseudonym. If the table has
-- the column purged_at, the purge must also set that column, unless it only replaces identifiers.
CREATE OR REPLACE FUNCTION motcua.may_only_be_emptied() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    personal text[] := TG_ARGV;
    was jsonb := to_jsonb(OLD);
    becomes jsonb;
    is_emptied boolean;
    each text;
BEGIN
    IF TG_OP = 'UPDATE' AND current_user = 'motcua_eraser' THEN
        becomes := to_jsonb(NEW);
        is_emptied := EXISTS (
            SELECT 1 FROM unnest(personal) AS p (name)
            WHERE becomes -> p.name <> was -> p.name AND coalesce(becomes ->> p.name, '') !~ '^id-[a-p]{32}$'
        );
        IF was - personal - 'purged_at' = becomes - personal - 'purged_at'
            AND (NOT was ? 'purged_at' OR becomes ->> 'purged_at' IS NOT NULL OR NOT is_emptied) THEN
            FOREACH each IN ARRAY personal LOOP
                IF becomes -> each NOT IN ('null', '""') AND NOT (was -> each) @> (becomes -> each)
                    AND becomes ->> each !~ '^(PA-[0-9a-f]{8}|id-[a-p]{32})$' THEN
                    RAISE EXCEPTION '%.% may only be emptied', TG_TABLE_NAME, each USING ERRCODE = 'MC001';
                END IF;
            END LOOP;
            RETURN NEW;
        END IF;
    END IF;
    RAISE EXCEPTION '% is append-only, save that its purge empties personal data: % refused', TG_TABLE_NAME, TG_OP
    USING ERRCODE = 'MC001';
END
$$;
COMMENT ON FUNCTION motcua.may_only_be_emptied()
IS 'Refuses every change of a row except that motcua.purge_personal_data empties the named columns of personal data.';

-- In the following tables, a row may change only if its personal data is emptied.
CREATE OR REPLACE TRIGGER refuse_change BEFORE UPDATE OR DELETE ON motcua.dossier_versions
FOR EACH ROW EXECUTE FUNCTION motcua.may_only_be_emptied('applicant_phone');
CREATE OR REPLACE TRIGGER refuse_change BEFORE UPDATE OR DELETE ON motcua.receipts
FOR EACH ROW EXECUTE FUNCTION motcua.may_only_be_emptied('raw');
CREATE OR REPLACE TRIGGER keep_inquiry BEFORE UPDATE OR DELETE ON motcua.inquiries
FOR EACH ROW EXECUTE FUNCTION motcua.may_only_be_emptied(
    'msisdn', 'text', 'asked_code', 'gateway_message_id', 'dedupe_key'
);
-- In the following two tables, DAG runs also change other columns. The columns of personal data in the WHEN conditions
-- are written only when a row is inserted. Afterwards they can only be emptied.
CREATE OR REPLACE TRIGGER keep_personal_data BEFORE UPDATE ON motcua.attempts FOR EACH ROW
WHEN ((old.msisdn, old.purged_at) IS DISTINCT FROM (new.msisdn, new.purged_at))
EXECUTE FUNCTION motcua.may_only_be_emptied('msisdn', 'gateway_reference');
CREATE OR REPLACE TRIGGER keep_personal_data BEFORE UPDATE ON motcua.transitions FOR EACH ROW
WHEN ((old.note, old.actor) IS DISTINCT FROM (new.note, new.actor))
EXECUTE FUNCTION motcua.may_only_be_emptied('note', 'actor');
-- In the following tables, runs and people also write the columns that the triggers name, but only
-- motcua.purge_personal_data may set purged_at. When a row is filled from a source again, its purged_at becomes NULL.
-- Apart from the purge, only a run that has read a dossier's row again may empty columns of that dossier.
CREATE OR REPLACE TRIGGER keep_personal_data BEFORE UPDATE ON motcua.dossiers FOR EACH ROW
WHEN (
    (new.purged_at IS NOT NULL AND old.purged_at IS DISTINCT FROM new.purged_at)
    OR (
        num_nonnulls(nullif(old.applicant_name, ''), nullif(old.applicant_phone, ''), old.msisdn)
        > num_nonnulls(nullif(new.applicant_name, ''), nullif(new.applicant_phone, ''), new.msisdn)
        AND (old.picked_up_at, old.updated_at, old.phone_refusal)
        IS NOT DISTINCT FROM (new.picked_up_at, new.updated_at, new.phone_refusal)
    )
)
EXECUTE FUNCTION motcua.may_only_be_emptied('applicant_name', 'applicant_phone', 'msisdn');
CREATE OR REPLACE TRIGGER keep_personal_data BEFORE UPDATE ON motcua.messages FOR EACH ROW
WHEN (old.purged_at IS DISTINCT FROM new.purged_at)
EXECUTE FUNCTION motcua.may_only_be_emptied('msisdn', 'text', 'parameters', 'accented_parameters');
CREATE OR REPLACE TRIGGER keep_personal_data BEFORE UPDATE ON motcua.complaints FOR EACH ROW
WHEN (old.purged_at IS DISTINCT FROM new.purged_at)
EXECUTE FUNCTION motcua.may_only_be_emptied('note', 'outcome_reason', 'withdraw_reason', 'dossier_code');
CREATE OR REPLACE TRIGGER keep_personal_data BEFORE UPDATE ON motcua.quarantine FOR EACH ROW
WHEN (new.purged_at IS NOT NULL AND old.purged_at IS DISTINCT FROM new.purged_at)
EXECUTE FUNCTION motcua.may_only_be_emptied('payload', 'dossier_code');
CREATE OR REPLACE TRIGGER keep_personal_data BEFORE UPDATE ON intake.pushed_dossiers FOR EACH ROW
WHEN (new.purged_at IS NOT NULL AND old.purged_at IS DISTINCT FROM new.purged_at)
EXECUTE FUNCTION motcua.may_only_be_emptied('fields');
CREATE OR REPLACE TRIGGER keep_personal_data BEFORE UPDATE ON intake.pushed_steps FOR EACH ROW
WHEN (new.purged_at IS NOT NULL AND old.purged_at IS DISTINCT FROM new.purged_at)
EXECUTE FUNCTION motcua.may_only_be_emptied('fields');

-- Let auditors read when personal data was emptied, how much, by whom and why, and the requests of citizens about their
-- data.
CREATE OR REPLACE VIEW audit.personal_data_purges AS
SELECT purge_id, reference, purged_at, cause, of_table, emptied, purged_by, reason FROM motcua.personal_data_purges;
CREATE OR REPLACE VIEW audit.personal_data_requests AS
SELECT r.request_id, r.handled_at, r.handled_by, r.act, r.agency_code, r.dossier_code, r.reason, r.dossiers, r.held
FROM motcua.personal_data_requests AS r;
