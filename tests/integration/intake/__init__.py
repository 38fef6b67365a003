"""What one-stop software pushes, from its request to the citizen's message."""
