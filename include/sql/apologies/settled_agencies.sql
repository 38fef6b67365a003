-- How many agencies have one evening settled, in which way, how many dossiers were looked at for it, and when the last
-- was settled; of some agencies, or of all (NULL). Called by store/notices/apologies.py.
SELECT
    count(*) FILTER (WHERE e.state = 'done') AS done,
    count(*) FILTER (WHERE e.state = 'missed') AS missed,
    count(*) FILTER (WHERE e.state = 'day_off') AS day_off,
    coalesce(sum(e.looked_at), 0) AS looked_at,
    max(e.settled_at) AS settled_at,
    max(e.useful_until) AS useful_until
FROM motcua.apology_evenings AS e
WHERE
    e.evening_at = %(evening_at)s
    AND (%(agencies)s::text[] IS NULL OR e.agency_code = any(%(agencies)s::text[]))
