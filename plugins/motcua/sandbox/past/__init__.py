"""The demo's life before its start: months of dossiers, worked through by the real jobs at earlier times."""
