"""The pages below *Chất lượng*: figures of all agencies and of one agency, findings, and sources of data."""
