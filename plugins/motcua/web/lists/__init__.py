"""What pages with lists of rows share: filters of an address, places in a list, files of all rows."""
