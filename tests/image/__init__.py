"""Tests of what is installed on a server: the image's packages, containers' limits, the bundle for offline servers."""
