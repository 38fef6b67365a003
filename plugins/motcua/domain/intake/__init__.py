"""Rules that read what one-stop software pushes in the protocol of the National Public Service Portal.

Pure: no clock, no ledger.
"""
