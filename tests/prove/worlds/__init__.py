"""Simulated worlds and servers that proofs run in, and oracles that share no code with the judged system."""
