"""Simulate the one-stop desks of the demo: people, dossiers, and what happens to them."""
