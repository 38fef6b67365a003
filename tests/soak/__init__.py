"""A day at speed on live parts, with faults drawn from a seed: what ``make prove ONLY=soak`` is made of."""
