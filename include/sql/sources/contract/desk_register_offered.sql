-- Whether the source offers its desk's register. Called by sources/desk_register.py.
SELECT to_regclass('onestop.desk_register') IS NOT NULL AS offered
