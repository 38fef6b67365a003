"""Jobs that the tasks of the DAGs and the commands call."""
