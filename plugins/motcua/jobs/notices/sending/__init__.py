"""The sender: which message goes through which lane, one request for each, and what becomes of it."""
