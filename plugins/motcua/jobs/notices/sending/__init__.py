"""Sends due messages: chooses a lane for each message, sends one request for it, and writes the outcome."""
