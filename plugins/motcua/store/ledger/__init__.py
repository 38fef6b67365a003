"""The database itself: connections, migrations, definitions, locks, and how SQL statements and rows are read."""
