"""Take the pictures of docs/vi from the demo's own pages, and print the sheet for the counter's wall.

``make pictures`` takes all pictures again. taking.py takes one picture. listed.py lists what each picture shows.
"""
