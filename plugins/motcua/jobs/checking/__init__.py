"""How a source is held against the contract, and what is kept of it."""
