"""Set up a server: ask people for settings, check and save each answer, and generate the secrets."""
