"""The staff pages, with a module for each page."""
