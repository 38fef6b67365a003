"""Rules that split the text of a phone field into runs of digits, and find the number that may be texted.

If there is no such number, the rules give the reason.
"""
