"""Proofs that pure rules are right, and that tests notice faults in rules, SQL statements, DAGs and routes."""
