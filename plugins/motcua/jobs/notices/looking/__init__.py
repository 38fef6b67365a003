"""Looking at sources, however many they are: one thread asks them all, and waits for none."""
