"""Whose the values are that the ledger holds."""
