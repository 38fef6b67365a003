"""Tests of pushes, from the request of one-stop software to the citizen's message."""
