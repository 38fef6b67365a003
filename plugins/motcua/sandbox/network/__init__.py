"""What lies beyond the gateway in the demo: phones, the carrier's statement, and a mailbox."""
