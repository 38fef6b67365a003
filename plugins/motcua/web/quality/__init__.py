"""The pages below *Chất lượng*: figures of all agencies and of one, findings behind a figure, the sources of data."""
