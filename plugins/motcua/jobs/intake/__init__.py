"""Write the records that clients push: check the records one by one, and write them in batches."""
