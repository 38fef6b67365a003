"""The demo's past: months of dossiers before its start, processed by the real jobs at earlier times."""
