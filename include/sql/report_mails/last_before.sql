-- When a body was last mailed a report of this kind that came before this one. Called by
-- store/oversight/report_mails.py.
SELECT max(m.reserved_at) AS mailed_at
FROM motcua.report_mails AS m
WHERE m.report = %(report)s AND m.report_no < %(report_no)s AND m.body = %(body)s AND m.state <> 'failed'
