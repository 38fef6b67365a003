"""Make, encrypt, store, verify and restore backups."""
