"""Files that a browser sends: read apart from the pages, told at once, and kept only where somebody confirms them."""
