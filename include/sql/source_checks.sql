-- Store the last check of each source, which tests whether the source offers its data in the required form, and the
-- findings (faults) of the check. Read what the ledger holds of the checked rows. Called by store/checking/checks.py.

-- name: read_numbers
-- Return for each of the given transition numbers of a source when the transition was first read, and whether its row
-- was ever put into quarantine, because it could not be used (motcua.transitions, motcua.quarantine).
SELECT
    n.number,
    t.picked_up_at,
    q.quarantine_id IS NOT NULL AS set_aside
FROM unnest(%(numbers)s::bigint[]) AS n (number)
LEFT JOIN motcua.transitions AS t ON t.source_id = %(source_id)s AND n.number = t.source_transition_id
LEFT JOIN motcua.quarantine AS q
    ON q.source_id = %(source_id)s AND q.row_kind = 'transition' AND n.number::text = q.row_key;

-- name: sources_of_agency
-- Return the given sources that hold data of an agency (motcua.sources, motcua.dossiers, intake.clients). These are
-- sources from which dossiers of the agency were read since the given time, and sources of software that may push data
-- for the agency.
SELECT s.name
FROM motcua.sources AS s
WHERE
    s.name = any(%(sources)s::text[])
    AND s.source_id IN (
        SELECT d.source_id
        FROM motcua.dossiers AS d
        WHERE d.agency_code = %(agency_code)s AND d.picked_up_at >= %(since)s
    )
UNION
SELECT c.source AS name
FROM intake.clients AS c
INNER JOIN intake.client_agencies AS a ON c.client_id = a.client_id
WHERE c.source = any(%(sources)s::text[]) AND a.agency_code = %(agency_code)s AND c.disabled_at IS NULL
ORDER BY name;

-- name: keep
-- Insert the last check of a source, or replace the previous one (motcua.source_checks).
INSERT INTO motcua.source_checks (source, checked_at, dossiers, transitions, findings)
VALUES (%(source)s, %(checked_at)s, %(dossiers)s, %(transitions)s, %(findings)s)
ON CONFLICT (source) DO UPDATE SET
    checked_at = excluded.checked_at,
    dossiers = excluded.dossiers,
    transitions = excluded.transitions,
    findings = excluded.findings;

-- name: forget_others
-- Empty the findings of sources that are not read any more (motcua.source_checks).
UPDATE motcua.source_checks SET findings = '[]'
WHERE source <> all(%(sources)s::text[]) AND findings <> '[]';

-- name: last
-- Return the last check of each of these sources (motcua.source_checks).
SELECT source, checked_at, dossiers, transitions, findings
FROM motcua.source_checks
WHERE source = any(%(sources)s::text[])
ORDER BY source;
