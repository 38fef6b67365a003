"""One module for each SMS provider."""
