-- Until the end of the transaction nobody else sends an export of this source, or sets its form, by a page. Called by
-- store/intake/exports.py.
SELECT motcua.wait_for_folder('files ' || %(source)s::text)
