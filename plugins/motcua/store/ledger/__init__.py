"""The database itself: connections, migrations, definitions, locks, and how statements and rows are read."""
