-- One closing. Called by store/oversight/closings.py.
SELECT
    closing_no,
    period,
    corrects,
    run_id,
    as_of,
    known_version,
    known_transition,
    known_history,
    known_message,
    known_inquiry,
    known_receipt,
    known_quality_run, data_as_of, sources_unread, segment_price, figures_hash, difference, unexplained, closed_at
FROM audit.closings
WHERE closing_no = %(closing_no)s
