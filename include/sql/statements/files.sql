-- SHA-256 of every file that was imported. Called by store/statements.py.
SELECT sha256 FROM audit.carrier_statements
