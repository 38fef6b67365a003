"""Run the demo: embedded PostgreSQL, simulated one-stop software, a phone network and a mailbox."""
