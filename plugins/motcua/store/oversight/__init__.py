"""The storage of quality checks, closings, publications, carrier statements and complaints."""
