"""The sender: chooses a lane for each due message, sends one request for the message, and writes the outcome."""
