"""Ledger queries of the watch and of the metrics: whether the service itself works."""
