"""What an agency decides for itself: read, compared, rehearsed, set, and set back."""
