"""One module for each kind of one-stop software."""
