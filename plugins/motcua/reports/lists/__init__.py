"""Lists of rows: how each is declared, what stands in its cells, and how its rows become a file."""
