"""Rules that read a phone field: from its text to runs of digits, and from these to a number or a reason for none."""
