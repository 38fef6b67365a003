-- All messages up to this one had begun by a move of message_history that is known. Called by
-- store/oversight/closings.py.
SELECT
    coalesce(
        (
            SELECT min(h.message_id) - 1 FROM motcua.message_history AS h
            WHERE h.history_id > %(known_history)s AND h.from_state IS NULL
        ),
        (SELECT max(m.message_id) FROM motcua.messages AS m),
        0
    ) AS known_message
