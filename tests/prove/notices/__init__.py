"""Whether each dossier gets the notices it must get, in whatever order its steps come."""
