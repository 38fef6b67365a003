"""What one-stop software pushes in the protocol of the National Public Service Portal, read. No clock, no ledger."""
