"""Publishes the report of a closing, mails the publication, and verifies it."""
