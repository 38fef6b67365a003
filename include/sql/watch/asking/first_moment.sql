-- The first moment that the identity counts anything of. Called by store/watching/watch.py.
SELECT
    least(
        (SELECT min(m.recorded_at) FROM motcua.messages AS m),
        (
            SELECT min(t.recorded_at) FROM motcua.transitions AS t
            WHERE t.at_one_stop_desk AND t.status_code IN (5, 9)
        ),
        (SELECT min(i.received_at) FROM motcua.inquiries AS i),
        (SELECT min(e.evening_at) FROM motcua.apology_evenings AS e)
    ) AS first_moment
