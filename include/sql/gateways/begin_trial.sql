-- What was stopped long enough is tried again by this sender alone: for the others it stays stopped, for a longer pause
-- than before. Called by store/notices/gateways.py.
UPDATE motcua.gateway_stops
SET until = %(until)s, pause = %(pause)s
WHERE gateway = %(gateway)s AND concerns = %(concerns)s AND subject = %(subject)s AND until <= %(now)s
RETURNING gateway
