"""Make, encrypt, keep, verify and restore backups."""
