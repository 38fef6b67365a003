"""What must stay as it is over days and months at work: memory, tables, files."""
