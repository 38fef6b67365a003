-- SHA-256 of every file that was imported. Called by store/oversight/statements.py.
SELECT sha256 FROM audit.carrier_statements
