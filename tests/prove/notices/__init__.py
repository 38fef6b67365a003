"""Proofs that the right messages are sent about each dossier, in whatever order its steps come."""
