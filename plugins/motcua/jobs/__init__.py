"""What the DAGs' tasks and the commands call."""
