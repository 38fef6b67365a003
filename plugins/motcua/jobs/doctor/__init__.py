"""The doctor: everything that is wrong with an installation, at once, each with what to do about it."""
