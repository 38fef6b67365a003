-- What auditors may read of gaps in the ledger and of what the journal knew of them.
CREATE OR REPLACE VIEW audit.gaps AS
SELECT
    gap_no, kind, noticed_at, ledger_until, journal_until, lost_attempts, held_messages, sent_until, closed_at,
    closed_by, reason, slept_since, held_until
FROM motcua.gaps;
CREATE OR REPLACE VIEW audit.lost_attempts AS
SELECT
    lost_id, gap_no, reference, gateway, departed_at, source, agency_code, dossier_code, kind, occasion, segments,
    outcome, answered_at, motcua.without_numbers(gateway_reference) AS gateway_reference, message_id, adopted_at
FROM motcua.lost_attempts;
