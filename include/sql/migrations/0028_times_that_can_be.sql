-- depends: 0027_masked_receipts
-- Times that no job can hold, and codes that cannot be printed, are refused by the ledger itself, whoever writes them:
-- pick-up never does, and one time typed by hand (infinity, the year 294276) would stop planning, the evening, the
-- check and the closings of every agency. Rows that are there are not looked at, so that this takes no ledger long.

ALTER TABLE motcua.dossiers ADD CONSTRAINT times_can_be CHECK (
    coalesce(
        least(phone_entered_at, received_at, due_at, finished_at, returned_at, updated_at, picked_up_at)
        >= timestamptz '2000-01-01 00:00:00+00'
        AND greatest(phone_entered_at, received_at, due_at, finished_at, returned_at, updated_at, picked_up_at)
        < timestamptz '9000-01-01 00:00:00+00', TRUE
    )
) NOT VALID;
ALTER TABLE motcua.dossier_versions ADD CONSTRAINT times_can_be CHECK (
    coalesce(
        least(seen_at, updated_at, phone_entered_at, received_at, due_at, finished_at, returned_at)
        >= timestamptz '2000-01-01 00:00:00+00'
        AND greatest(seen_at, updated_at, phone_entered_at, received_at, due_at, finished_at, returned_at)
        < timestamptz '9000-01-01 00:00:00+00', TRUE
    )
) NOT VALID;
ALTER TABLE motcua.transitions ADD CONSTRAINT times_can_be CHECK (
    coalesce(
        least(occurred_at, recorded_at, picked_up_at, planned_at) >= timestamptz '2000-01-01 00:00:00+00'
        AND greatest(occurred_at, recorded_at, picked_up_at, planned_at) < timestamptz '9000-01-01 00:00:00+00', TRUE
    )
) NOT VALID;
ALTER TABLE motcua.dossiers ADD CONSTRAINT code_can_be_printed CHECK (
    dossier_code = btrim(dossier_code)
    AND dossier_code !~ '[\u0001-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]'
) NOT VALID;
