"""The code of ``make prove ONLY=soak``: it plays a day faster than real time, with real processes and random faults."""
