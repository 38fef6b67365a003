"""Proofs that the handbooks work: they lead from a bare machine to a server, and restore a lost server."""
