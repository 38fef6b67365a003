"""Simulated worlds and servers for proofs, and oracles, which know the right results without the system's code."""
