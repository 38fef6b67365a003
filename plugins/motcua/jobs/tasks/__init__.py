"""Functions that the tasks of the DAGs call: one module for each DAG. The work itself is in the other packages of
``jobs``."""
