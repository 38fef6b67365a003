"""Data quality: rules as data, their verdicts by Great Expectations, and what reports are made of."""
