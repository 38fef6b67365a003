"""What a phone field says: from the text to its digits, and from these to a number or the reason why there is none."""
