"""Checks data quality each day, and writes the mails about the results."""
