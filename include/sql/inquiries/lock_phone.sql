-- Waits until no other inquiry of this phone is being answered, and holds the phone for the rest of this transaction:
-- its limit counts what is committed. Called by store/notices/inquiries.py.
SELECT motcua.wait_for_phone(%(phone)s)
