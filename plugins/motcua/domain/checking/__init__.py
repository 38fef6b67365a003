"""Whether a source keeps the contract, judged from what it shows: rules alone, no database."""
