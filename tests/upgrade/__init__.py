"""An earlier version of the program at work beside the present one: what ``make prove ONLY=upgrade`` is made of."""
