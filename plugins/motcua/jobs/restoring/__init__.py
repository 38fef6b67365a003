"""A restored ledger: what it does not know, and how it learns that before anything is sent."""
