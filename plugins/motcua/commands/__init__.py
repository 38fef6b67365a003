"""The ``motcua`` command, with one module for each group of subcommands."""
