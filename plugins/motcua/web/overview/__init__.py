"""The first page of staff: what wants attention, what became of a day, how things stand."""
