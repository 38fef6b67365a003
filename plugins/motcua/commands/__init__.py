"""The motcua command, one module for each group."""
