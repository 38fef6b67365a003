"""Proofs that no text is lost or doubled when programs are killed, people act in Airflow, or values are bad."""
