"""What is told of a dossier to whoever asks: the sentence, and everything below it in words."""
