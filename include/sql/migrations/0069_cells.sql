-- depends: 0068_snapshot
-- How few different cells a period's messages fall into (closings/counting/count_messages.sql): without it PostgreSQL
-- prepares for as many as a tenth of all messages, in memory that no cache of a processor holds.
CREATE STATISTICS motcua.messages_cells (NDISTINCT) ON
agency_code,
procedure_code,
kind,
state,
reason,
(
    CASE
        WHEN state = 'delivered' THEN greatest(floor(date_part('epoch', changed_at - recorded_at)), 0)::integer
    END
)
FROM motcua.messages;
ANALYZE motcua.messages;
