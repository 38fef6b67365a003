"""Tests of two ways to get the data back after a server is lost: an archive of the write-ahead log, and a standby."""
