"""Simulate one-stop software with a closed database: it pushes to the portal's protocol, or exports files."""
