"""From planning to receipts."""
