"""Tests of what is delivered: the image's packages and settings, and the bundle for a server without internet."""
