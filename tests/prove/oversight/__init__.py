"""Proofs that quality checks, closings and publications are right, and that a purge leaves no personal data."""
