"""What is kept of checks of sources against the contract."""
