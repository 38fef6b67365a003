"""The demo world: embedded PostgreSQL, one-stop simulator, phone network, mailbox."""
