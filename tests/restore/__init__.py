"""Tests of the ways to get the data back after the loss of a server: archives of the write-ahead log, standbys."""
