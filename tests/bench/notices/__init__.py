"""Benches from planning to receipts."""
