"""Simulate what is beyond the gateway in the demo: phones, the carrier's statements, and a mailbox."""
