"""What becomes of a push: records are read one by one and written together."""
