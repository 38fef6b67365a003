"""How do Airflow's own database and its log files stay small?"""
