-- A dossier's messages, the newest first, with what sending would see of each at this moment. Replies to inquiries are
-- among the inquiries. Called by store/dossiers.py.
SELECT
    m.message_id,
    m.kind,
    m.state,
    m.reason,
    m.occurred_at,
    m.useful_until,
    m.next_attempt_at,
    m.accepted_at,
    (SELECT max(a.started_at) FROM motcua.attempts AS a WHERE a.message_id = m.message_id) AS attempted_at,
    motcua.stopped_until(m.kind, m.agency_code, %(now)s) AS stopped_until,
    coalesce(m.msisdn = c.msisdn, FALSE) AS went_to_present_number,
    c.phone_refusal,
    c.returned_at,
    c.kind_off,
    c.occasion_holds,
    c.told_at,
    c.unsettled_since,
    c.gone,
    c.waits_until,
    c.waits_for_row,
    c.told_of_this,
    c.unsettled_of_this
FROM (
    SELECT n.*
    FROM motcua.messages AS n
    WHERE n.dossier_id = %(dossier_id)s AND n.kind <> 'reply'
    ORDER BY n.message_id DESC
    LIMIT %(limit)s
) AS m
INNER JOIN motcua.sending_conditions AS c ON m.message_id = c.message_id
ORDER BY m.message_id DESC
