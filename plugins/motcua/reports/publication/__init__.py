"""The files and mails of a publication."""
