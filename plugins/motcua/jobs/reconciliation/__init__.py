"""Closes days and longer periods, builds the report of a closing, and compares closings with the national portal."""
