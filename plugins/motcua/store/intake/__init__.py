"""The storage of what one-stop software pushes and who may push: schema ``intake`` of the ledger."""
