"""Worlds that are planted with what the quality check must find, by somebody who knows the truth."""
