-- Messages of unknown outcome that a person lets go again. Called by store/notices/messages.py.
SELECT r.message_id
FROM motcua.release_messages(
    %(released_by)s, %(reason)s, %(now)s, %(message_ids)s::bigint[], %(gateway)s, %(start)s, %(end)s
) AS r
