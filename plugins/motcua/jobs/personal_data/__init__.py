"""Personal data goes when its time is over, or when a citizen asks for it, and does not come back with a restore."""
