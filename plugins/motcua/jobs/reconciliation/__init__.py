"""Closing days and months, and the report of a closing."""
