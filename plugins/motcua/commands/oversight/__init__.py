"""For those who judge: quality, closings, publications, statements, complaints."""
