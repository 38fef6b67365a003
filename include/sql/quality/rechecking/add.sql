-- Somebody had a finding judged again. Called by store/rechecks.py.
INSERT INTO motcua.finding_rechecks (finding_id, rechecked_at, rechecked_by, outcome)
VALUES (%(finding)s, %(now)s, %(by)s, %(outcome)s)
