"""The pictures of docs/vi, taken of the demo's own pages, and the sheet for the counter's wall.

``make pictures`` takes all of them anew; taking.py does it, listed.py says which there are.
"""
