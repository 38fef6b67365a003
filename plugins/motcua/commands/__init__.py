"""The motcua command, one module for each group; rooms as those of store."""
