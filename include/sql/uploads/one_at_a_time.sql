-- Until the end of the transaction nobody else puts a statement into its folder. Called by store/uploads.py.
SELECT motcua.wait_for_folder('statements')
