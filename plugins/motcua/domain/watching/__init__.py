"""When something is wrong, as the watch judges it, and how an alert begins, is told and ends."""
