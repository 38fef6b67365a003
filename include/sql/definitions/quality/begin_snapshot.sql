-- Empties the snapshot.
CREATE OR REPLACE FUNCTION quality.begin_snapshot() RETURNS void LANGUAGE sql SECURITY DEFINER
SET search_path = pg_catalog, quality AS $$
    TRUNCATE
        quality.days, quality.agencies, quality.desk_register, quality.register_readings, quality.dossiers, quality.moves,
        quality.result_messages, quality.edited, quality.marks, quality.dossier_facts, quality.usual_waits,
        quality.actor_days, quality.agency_days, quality.month_cells, quality.agency_month_facts, quality.source_facts, quality.found,
        quality.ledger_counts, quality.agency_counts
$$;
COMMENT ON FUNCTION quality.begin_snapshot() IS 'Empties the snapshot.';
