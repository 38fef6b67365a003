-- The largest numbers that the ledger holds, and the transactions that must end before all smaller ones are settled.
-- Called by store/oversight/closings.py.
SELECT
    coalesce((SELECT max(version_id) FROM motcua.dossier_versions), 0) AS known_version,
    coalesce((SELECT max(transition_id) FROM motcua.transitions), 0) AS known_transition,
    coalesce((SELECT max(history_id) FROM motcua.message_history), 0) AS known_history,
    coalesce((SELECT max(inquiry_id) FROM motcua.inquiries), 0) AS known_inquiry,
    coalesce((SELECT max(receipt_id) FROM motcua.receipts), 0) AS known_receipt,
    coalesce(
        (SELECT max(run_no) FROM motcua.quality_runs WHERE sealed_at IS NOT NULL), 0
    ) AS known_quality_run,
    pg_snapshot_xmax(pg_current_snapshot())::text AS horizon
