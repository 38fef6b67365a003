"""Watching from outside: what is looked at, what is kept of it, and who is told."""
