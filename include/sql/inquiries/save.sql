-- An inquiry with its reply, once. Called by store/notices/inquiries.py.
SELECT motcua.save_inquiry(%(inquiry)s) AS is_new
