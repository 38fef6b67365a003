"""The storage of pushed data, of exports, and of the clients that may push: schema ``intake`` of the ledger."""
