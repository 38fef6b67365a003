"""What is left after a server is lost: dumps, archives of the write-ahead log, standbys."""
