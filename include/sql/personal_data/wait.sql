-- Waits until nobody else empties personal data, for the rest of this transaction. Called by store/personal_data.py.
SELECT motcua.wait_for_emptying()
