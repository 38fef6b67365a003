-- Dossiers by agency and procedure in [start, end), as they had been read by the cut-off. Received, resolved (result
-- released, handed over or withdrawn) and handed over go by their dates; the appointed day, and whether the clock runs,
-- are those of the dossier's row at the end of the period. Days are days of Vietnam. What makes a dossier count is
-- audit.dossiers_in_period's to say. Called by store/oversight/closings.py.
WITH counted AS (
    SELECT
        d.agency_code,
        d.procedure_code,
        d.carried_over,
        d.received,
        d.received_online,
        d.received_postal,
        d.resolved_early,
        d.resolved_on_time,
        d.resolved_late,
        d.resolved_without_due,
        d.withdrawn,
        d.open_in_time,
        d.open_late,
        d.paused_in_time,
        d.paused_late,
        d.due,
        d.handed_over,
        -- Grouped by what is true of a dossier, so that each is looked at once however many figures it is in.
        count(*) AS dossiers
    FROM audit.dossiers_in_period(%(known_version)s, %(start)s, %(end)s) AS d
    GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17
)

SELECT
    c.agency_code,
    c.procedure_code,
    coalesce(sum(c.dossiers) FILTER (WHERE c.carried_over), 0)::bigint AS carried_over,
    coalesce(sum(c.dossiers) FILTER (WHERE c.received), 0)::bigint AS received,
    coalesce(sum(c.dossiers) FILTER (WHERE c.received_online), 0)::bigint AS received_online,
    coalesce(sum(c.dossiers) FILTER (WHERE c.received_postal), 0)::bigint AS received_postal,
    coalesce(sum(c.dossiers) FILTER (WHERE c.resolved_early), 0)::bigint AS resolved_early,
    coalesce(sum(c.dossiers) FILTER (WHERE c.resolved_on_time), 0)::bigint AS resolved_on_time,
    coalesce(sum(c.dossiers) FILTER (WHERE c.resolved_late), 0)::bigint AS resolved_late,
    coalesce(sum(c.dossiers) FILTER (WHERE c.resolved_without_due), 0)::bigint AS resolved_without_due,
    coalesce(sum(c.dossiers) FILTER (WHERE c.withdrawn), 0)::bigint AS withdrawn,
    coalesce(sum(c.dossiers) FILTER (WHERE c.open_in_time), 0)::bigint AS open_in_time,
    coalesce(sum(c.dossiers) FILTER (WHERE c.open_late), 0)::bigint AS open_late,
    coalesce(sum(c.dossiers) FILTER (WHERE c.paused_in_time), 0)::bigint AS paused_in_time,
    coalesce(sum(c.dossiers) FILTER (WHERE c.paused_late), 0)::bigint AS paused_late,
    coalesce(sum(c.dossiers) FILTER (WHERE c.due), 0)::bigint AS due,
    coalesce(sum(c.dossiers) FILTER (WHERE c.handed_over), 0)::bigint AS handed_over
FROM counted AS c
GROUP BY c.agency_code, c.procedure_code
ORDER BY c.agency_code, c.procedure_code
