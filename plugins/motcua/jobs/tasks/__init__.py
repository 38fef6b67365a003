"""One module for each DAG, with what its tasks call; what a task does stands in the room of its subject."""
