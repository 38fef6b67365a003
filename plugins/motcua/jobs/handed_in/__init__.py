"""Read files that people hand in: carrier statements, complaints, agencies' settings, lists of phones."""
