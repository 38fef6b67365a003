"""The files and mails of a published report."""
