"""Reads sources, plans, sends and settles messages, plans each evening's apologies, and answers texts to 9029."""
