"""Rules that read a phone field. They split its text into runs of digits, and find the number that may be texted.

If there is no such number, they give the reason.
"""
