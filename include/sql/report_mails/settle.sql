-- How handing over a reserved mail ended. Called by store/oversight/report_mails.py.
UPDATE motcua.report_mails
SET state = %(state)s, settled_at = %(now)s, failure = %(failure)s
WHERE report_mail_id = %(report_mail_id)s AND state = 'sending'
