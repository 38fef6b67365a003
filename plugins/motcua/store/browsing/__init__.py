"""Rows that people browse: a page at a time from the newest on, at a cost that is bounded however long the ledger."""
