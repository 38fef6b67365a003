"""Write what clients push: check the records one by one, and write them together."""
