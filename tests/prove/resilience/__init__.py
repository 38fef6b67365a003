"""Proofs that no text is lost or sent twice when programs are killed, people act in Airflow, or values are bad."""
