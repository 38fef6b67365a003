-- When the sources had last been read, the oldest of them; nothing where one never was. Called by
-- store/oversight/closings.py.
SELECT CASE WHEN count(*) = count(s.picked_up_at) THEN min(s.picked_up_at) END AS data_as_of
FROM unnest(%(sources)s::text[]) AS n (name)
LEFT JOIN motcua.sources AS s ON n.name = s.name
