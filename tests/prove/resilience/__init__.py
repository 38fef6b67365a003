"""Whether anything is lost or doubled when programs are killed, Airflow acts or values are bad."""
