-- What the last check of a source found, and what the ledger knows of the rows that it looked at. Called by
-- store/checking/checks.py.

-- name: read_numbers
-- Of these numbers of a source, when each was read, and whether its row was ever quarantined.
SELECT
    n.number,
    t.picked_up_at,
    q.quarantine_id IS NOT NULL AS set_aside
FROM unnest(%(numbers)s::bigint[]) AS n (number)
LEFT JOIN motcua.transitions AS t ON t.source_id = %(source_id)s AND n.number = t.source_transition_id
LEFT JOIN motcua.quarantine AS q
    ON q.source_id = %(source_id)s AND q.row_kind = 'transition' AND n.number::text = q.row_key;

-- name: sources_of_agency
-- Which of these sources tell of an agency: those that dossiers of it were picked up from since then, and those of
-- software that may push for it.
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
-- Keeps what a check of a source found, in the place of the check before.
INSERT INTO motcua.source_checks (source, checked_at, dossiers, transitions, findings)
VALUES (%(source)s, %(checked_at)s, %(dossiers)s, %(transitions)s, %(findings)s)
ON CONFLICT (source) DO UPDATE SET
    checked_at = excluded.checked_at,
    dossiers = excluded.dossiers,
    transitions = excluded.transitions,
    findings = excluded.findings;

-- name: forget_others
-- Empties what was found at sources that are not read any more.
UPDATE motcua.source_checks SET findings = '[]'
WHERE source <> all(%(sources)s::text[]) AND findings <> '[]';

-- name: last
-- The last check of each of these sources.
SELECT source, checked_at, dossiers, transitions, findings
FROM motcua.source_checks
WHERE source = any(%(sources)s::text[])
ORDER BY source;
