-- An evening, settled, with how much was known: read while the agency's sources are locked.
-- Called by store/notices/apologies.py.
INSERT INTO motcua.apology_evenings (
    agency_code,
    day,
    evening_at,
    apology_day,
    state,
    first_due,
    last_due,
    useful_until,
    settled_at,
    known_transition,
    known_version,
    looked_at,
    queued,
    suppressed,
    missed
)
VALUES (
    %(agency_code)s,
    %(day)s,
    %(evening_at)s,
    %(apology_day)s,
    %(state)s,
    %(first_due)s,
    %(last_due)s,
    %(useful_until)s,
    %(settled_at)s,
    coalesce((SELECT max(t.transition_id) FROM motcua.transitions AS t), 0),
    coalesce((SELECT max(v.version_id) FROM motcua.dossier_versions AS v), 0),
    %(looked_at)s,
    %(queued)s,
    %(suppressed)s,
    %(missed)s
)
