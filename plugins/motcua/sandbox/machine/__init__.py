"""Start the programs of the demo and keep them running."""
