"""People who work with the system, as domain knows them: by the names with which they sign."""
