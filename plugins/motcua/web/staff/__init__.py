"""The pages of staff: one module a page."""
