"""The doctor: finds everything that is wrong with an installation in one run, and what to do about each fault."""
