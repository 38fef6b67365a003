"""Read and write the ledger. Each module is about one kind of thing, such as agencies; include/sql has the SQL."""
