"""What messages are made of and what becomes of them: one module for each noun."""
