-- State of the last edition of each recipient's mail of a report to a body. Called by store/oversight/report_mails.py.
SELECT DISTINCT ON (recipient_hash)
    recipient_hash,
    state,
    settled_at
FROM motcua.report_mails
WHERE report = %(report)s AND report_no = %(report_no)s AND body = %(body)s
ORDER BY recipient_hash, edition DESC
