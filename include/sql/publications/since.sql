-- Publications since a moment, the oldest first. Called by store/oversight/publications.py.
SELECT publication_no
FROM audit.publications
WHERE published_at >= %(since)s
ORDER BY publication_no
