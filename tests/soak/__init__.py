"""The code of ``make prove ONLY=soak``: it simulates a day faster than real time, with real processes and random
faults."""
