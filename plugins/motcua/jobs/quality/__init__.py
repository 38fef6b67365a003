"""The daily check of data quality, and its mails."""
