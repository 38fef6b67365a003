"""Take the pictures of docs/vi from the demo's own pages, and print the sheet for the counter's wall.

``make pictures`` takes all of them again. taking.py takes a picture, listed.py lists them.
"""
