"""Read the rows of the lists that include/templates/lists declares, for pages, files and commands."""
