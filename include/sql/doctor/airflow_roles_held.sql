-- Roles that anybody has who may sign in, where FAB keeps the accounts; asked in Airflow's own database. Called by
-- jobs/doctor/airflow.py.
SELECT DISTINCT r.name
FROM ab_user AS u
INNER JOIN ab_user_role AS h ON u.id = h.user_id
INNER JOIN ab_role AS r ON h.role_id = r.id
WHERE u.active
