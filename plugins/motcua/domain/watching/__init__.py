"""Rules of the watch: what counts as wrong, and how an alert begins, is reported and ends."""
