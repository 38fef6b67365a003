"""Closing days and longer periods, the report of a closing, and comparing closings with the national portal."""
