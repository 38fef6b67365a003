-- Every phone number in the ledger, E.164: what no log may hold. Called by sandbox/smoke.py.
SELECT msisdn
FROM motcua.dossiers
WHERE msisdn IS NOT NULL
UNION
SELECT msisdn
FROM motcua.attempts
UNION
SELECT msisdn
FROM motcua.inquiries
WHERE starts_with(msisdn, '+')
