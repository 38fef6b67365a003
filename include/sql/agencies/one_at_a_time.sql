-- Waits until nobody else sets or imports settings, for the rest of this transaction. Called by store/agencies.py.
SELECT motcua.wait_for_settings()
