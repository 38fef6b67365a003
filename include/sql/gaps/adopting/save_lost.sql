-- Attempts that the journal knows and the ledger does not, each once. Called by store/notices/gaps.py.
WITH told AS (
    SELECT r.*
    FROM
        jsonb_to_recordset(%(rows)s::jsonb) AS r (
            reference text, gateway text, departed_at timestamptz, source text, agency_code text, dossier_code text,
            kind text, occasion text, segments smallint, outcome text, answered_at timestamptz, gateway_reference text
        )
),

known_gateways AS (
    INSERT INTO motcua.gateways (name)
    SELECT DISTINCT t.gateway FROM told AS t
    ON CONFLICT (name) DO NOTHING
)

INSERT INTO motcua.lost_attempts (
    gap_no, reference, gateway, departed_at, source, agency_code, dossier_code, kind, occasion, segments, outcome,
    answered_at, gateway_reference
)
SELECT
    %(gap_no)s, t.reference, t.gateway, t.departed_at, t.source, t.agency_code, t.dossier_code, t.kind, t.occasion,
    t.segments, t.outcome, t.answered_at, t.gateway_reference
FROM told AS t
WHERE NOT EXISTS (SELECT 1 FROM motcua.attempts AS a WHERE a.reference = t.reference)
ORDER BY t.departed_at
ON CONFLICT (reference) DO NOTHING
