"""The way of a message: picked up, planned, sent, settled; apologies of the evening and answers of 9029."""
