-- How the messages stand now that were told, or may have been told, in a gap. Called by store/notices/gaps.py.
SELECT m.kind, m.state, count(DISTINCT m.message_id) AS messages
FROM motcua.attempts AS a
INNER JOIN motcua.messages AS m ON a.message_id = m.message_id
WHERE a.run_id = 'gap ' || %(gap_no)s
GROUP BY m.kind, m.state
ORDER BY m.kind, m.state
