"""Where proofs run, the worlds they draw, and oracles that share no code with what is proven."""
