-- Dossiers with fields that had to be cleaned: times, in the row as it is now or in a transition since the first of the
-- months; other fields, in the row as it is now. Called by store/oversight/quality.py.
INSERT INTO quality.marks (dossier_id, cleaned_time_at, cleaned)
SELECT
    c.dossier_id,
    max(c.last_seen_at) FILTER (WHERE c.detail ~ '_at\M'),
    string_agg(c.detail, ', ' ORDER BY c.cleaned_field_id) FILTER (
        WHERE c.transition_id IS NULL AND regexp_replace(c.detail, '[a-z]+(_[a-z]+)*_at\M(, )?', '', 'g') <> ''
    )
FROM motcua.cleaned_fields AS c
INNER JOIN motcua.dossiers AS d ON c.dossier_id = d.dossier_id
WHERE
    (c.transition_id IS NULL AND c.last_seen_at >= d.picked_up_at)
    OR (c.transition_id IS NOT NULL AND c.found_at >= %(since)s)
GROUP BY c.dossier_id
