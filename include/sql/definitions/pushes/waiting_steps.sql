-- How many steps of each client of a source wait for their dossiers. Read by include/sql/intake/clients/list.sql.
CREATE OR REPLACE VIEW intake.waiting_steps AS
SELECT s.source, s.client_id, count(*) AS steps
FROM intake.pushed_steps AS s
WHERE s.transition_id IS NULL
GROUP BY s.source, s.client_id;
COMMENT ON VIEW intake.waiting_steps IS 'How many steps of each client of a source wait for their dossiers.';
