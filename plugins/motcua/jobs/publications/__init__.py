"""Publishing a report, mailing it, and verifying it again."""
