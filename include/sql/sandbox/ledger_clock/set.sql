-- The ledger's notes carry this time from now on. Called by sandbox/past/ledger_clock.py.
UPDATE sandbox_clock.clock SET moment = %(moment)s
