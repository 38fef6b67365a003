"""What is judged and published: quality, closings, publications, statements, complaints."""
