"""Exports that one-stop software drops as files: forms, reading, and what becomes of each file."""
