"""The steps of a message: pick-up, planning, sending, settling. Also the evening's apologies and the replies of
9029."""
