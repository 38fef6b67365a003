-- Has PostgreSQL write names with their schemas in this transaction. Called by store/oversight/publications.py.
SELECT set_config('search_path', 'pg_catalog', TRUE)
