"""Handle files that a browser sends: read each in a separate process, show it, store it after a confirmation."""
