"""The programs of the demo and how they are kept running."""
