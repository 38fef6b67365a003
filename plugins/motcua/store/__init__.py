"""All access to our own tables, one module for each noun; SQL by name from include/sql."""
