"""Run the doctor: find everything that is wrong with an installation in one run, and say what to do about each
fault."""
