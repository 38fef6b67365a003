-- What status codes of sources were said to stand for. Codes 1-10 are the contract's and are never mapped; what an
-- earlier version let somebody say of one holds until `ends_at`. Read by the views of pushes and by
-- include/sql/sources/.
CREATE OR REPLACE VIEW motcua.status_meanings AS
SELECT
    m.source_id,
    m.source_status,
    m.status_code,
    m.mapped_at,
    CASE WHEN m.source_status BETWEEN 1 AND 10 THEN coalesce(m.ends_at, m.mapped_at) END AS ends_at
FROM motcua.status_maps AS m
WHERE m.source_status <> m.status_code;
COMMENT ON VIEW motcua.status_meanings IS 'What status codes of sources were said to stand for, and until when where that ends.';
