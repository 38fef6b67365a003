-- A closing, before its figures. Called by store/oversight/closings.py.
INSERT INTO motcua.closings (
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
    known_quality_run,
    data_as_of, sources_unread, segment_price, figures_hash, difference, unexplained
)
VALUES (
    %(period)s,
    %(corrects)s,
    %(run_id)s,
    %(as_of)s,
    %(known_version)s,
    %(known_transition)s,
    %(known_history)s,
    %(known_message)s,
    %(known_inquiry)s,
    %(known_receipt)s,
    %(known_quality_run)s, %(data_as_of)s, %(sources_unread)s, %(segment_price)s, %(figures_hash)s, %(difference)s,
    %(unexplained)s
)
RETURNING closing_no, closed_at
