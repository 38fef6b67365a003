"""Benches of the work on messages, from planning them to storing their receipts."""
