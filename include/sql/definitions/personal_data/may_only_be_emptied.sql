-- The columns that a trigger names hold personal data: they lose it, and nothing else of the row changes, by the hand
-- of the one function that empties them and of nobody else, the owner of the schema included. What is not text (the raw
-- row of a source, of a receipt) may lose parts, and a code that nobody knows, or a provider's id, become a mark that
-- tells it from others; an id does so before its time, too.
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
COMMENT ON FUNCTION motcua.may_only_be_emptied() IS 'Personal data may only go, by motcua.purge_personal_data alone, and nothing else of the row with it.';

-- Nothing else of these rows ever changes.
CREATE OR REPLACE TRIGGER refuse_change BEFORE UPDATE OR DELETE ON motcua.dossier_versions
FOR EACH ROW EXECUTE FUNCTION motcua.may_only_be_emptied('applicant_phone');
CREATE OR REPLACE TRIGGER refuse_change BEFORE UPDATE OR DELETE ON motcua.receipts
FOR EACH ROW EXECUTE FUNCTION motcua.may_only_be_emptied('raw');
CREATE OR REPLACE TRIGGER keep_inquiry BEFORE UPDATE OR DELETE ON motcua.inquiries
FOR EACH ROW EXECUTE FUNCTION motcua.may_only_be_emptied(
    'msisdn', 'text', 'asked_code', 'gateway_message_id', 'dedupe_key'
);
-- Runs write other columns of these, and these columns never a second time.
CREATE OR REPLACE TRIGGER keep_personal_data BEFORE UPDATE ON motcua.attempts FOR EACH ROW
WHEN ((old.msisdn, old.purged_at) IS DISTINCT FROM (new.msisdn, new.purged_at))
EXECUTE FUNCTION motcua.may_only_be_emptied('msisdn', 'gateway_reference');
CREATE OR REPLACE TRIGGER keep_personal_data BEFORE UPDATE ON motcua.transitions FOR EACH ROW
WHEN ((old.note, old.actor) IS DISTINCT FROM (new.note, new.actor))
EXECUTE FUNCTION motcua.may_only_be_emptied('note', 'actor');
-- Runs and people write these columns, too, and none of them may say that they were emptied. Rows that are read anew
-- lose the mark; a dossier's are emptied by them only where its row was read anew.
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
EXECUTE FUNCTION motcua.may_only_be_emptied('msisdn', 'text', 'parameters');
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
