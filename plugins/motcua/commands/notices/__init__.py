"""For operators: what messages are made of and sent through, and what became of them."""
