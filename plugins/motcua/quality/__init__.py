"""Check data quality: rules declared as data, verdicts by Great Expectations, and reports about the findings."""
