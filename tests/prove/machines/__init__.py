"""Whether the handbook leads from a bare machine to one that serves, and back to one after it was lost."""
