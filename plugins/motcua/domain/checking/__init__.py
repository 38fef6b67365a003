"""Rules that judge whether a source follows the source contract. Pure: no database."""
