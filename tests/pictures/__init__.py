"""The pictures of docs/vi, taken of the demo's own pages, and the sheet for the counter's wall.

``make pictures`` takes all of them anew; docs/decisions/pictures.md says how.
"""
