"""Whether the pure rules are right, and their tests notice when one is not."""
