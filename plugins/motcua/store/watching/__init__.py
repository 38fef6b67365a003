"""What the watch and the metrics read of the ledger: whether the service itself is well."""
