"""How a declared list gets its rows: what is asked of it, in which order, which part; for pages, files and commands."""
