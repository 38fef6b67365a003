-- Since when old steps are told apart from others. Called by store/notices/old_steps.py.
SELECT since FROM motcua.rule_dates WHERE rule = 'old_steps'
