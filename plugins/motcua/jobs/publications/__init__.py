"""Publishing the report of a closing, mailing it, and verifying it."""
