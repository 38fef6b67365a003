-- How handing over a reserved mail ended. Called by store/quality_mails.py.
UPDATE motcua.quality_mails
SET state = %(state)s, settled_at = %(now)s, failure = %(failure)s
WHERE quality_mail_id = %(quality_mail_id)s AND state = 'sending'
