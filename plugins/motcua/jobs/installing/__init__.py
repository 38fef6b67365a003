"""Set up a server: ask for what only people know, check each answer and write it down, and generate the rest."""
