"""Proofs that memory, tables and files do not grow over days and months of running."""
