"""The parts of ``make prove ONLY=soak``: a simulated day at high speed with real processes and random faults."""
