"""What a citizen was told of a dossier, or why not and what to do now: which facts make the answer."""
