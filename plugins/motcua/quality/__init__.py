"""Data quality: rules as data, their verdicts by Great Expectations, and the reports about them."""
