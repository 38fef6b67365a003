-- Notes a file of a source as it is seen now: it waits, from when it was first seen so. No row: another look has just
-- noted it, or it was read meanwhile. Called by store/intake/exports.py.
WITH waited AS (
    UPDATE intake.exports AS e
    SET
        size = %(size)s,
        modified_at = %(modified_at)s,
        seen_at = CASE WHEN s.is_same THEN e.seen_at ELSE %(now)s END,
        -- What a person said of it was of what it was then.
        accepted_by = CASE WHEN s.is_same THEN e.accepted_by END,
        accepted_at = CASE WHEN s.is_same THEN e.accepted_at END,
        -- A store writes the time anew when it moves a file; who sent it is told by its name.
        sent_by = CASE WHEN e.size = %(size)s THEN e.sent_by END,
        sent_at = CASE WHEN e.size = %(size)s THEN e.sent_at END
    FROM (
        SELECT
            w.export_no,
            (w.size, w.modified_at) = (%(size)s, %(modified_at)s) AS is_same
        FROM intake.exports AS w
        WHERE w.source = %(source)s AND w.name = %(name)s AND w.state = 'waiting'
    ) AS s
    WHERE
        e.export_no = s.export_no AND e.state = 'waiting'
        AND NOT EXISTS (
            SELECT 1 FROM intake.exports AS r
            WHERE
                r.source = %(source)s AND r.name = %(name)s AND r.size = %(size)s AND r.modified_at = %(modified_at)s
                AND r.state <> 'waiting'
        )
    RETURNING e.export_no, e.seen_at, e.accepted_at
),

seen AS (
    INSERT INTO intake.exports (source, name, size, modified_at, seen_at, state)
    SELECT %(source)s, %(name)s, %(size)s, %(modified_at)s, %(now)s, 'waiting'
    WHERE NOT EXISTS (SELECT 1 FROM waited)
    -- Of either key: one file of a name waits, and each state of a file is read once.
    ON CONFLICT DO NOTHING
    RETURNING export_no, seen_at, accepted_at
)

SELECT w.export_no, w.seen_at, w.accepted_at FROM waited AS w
UNION ALL
SELECT s.export_no, s.seen_at, s.accepted_at FROM seen AS s
