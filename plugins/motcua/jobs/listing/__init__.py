"""Read the rows of declared lists for pages, files and commands: filters, order, and which part."""
