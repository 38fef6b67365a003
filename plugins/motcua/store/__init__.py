"""All access to the project's own tables. There is one module for each noun; include/sql contains the SQL by name."""
