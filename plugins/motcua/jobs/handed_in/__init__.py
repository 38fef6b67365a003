"""Files that people hand in: statements, complaints, agencies, lists of phones."""
