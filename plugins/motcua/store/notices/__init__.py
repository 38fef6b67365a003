"""The storage of messages and everything that they are made of: one module for each noun."""
