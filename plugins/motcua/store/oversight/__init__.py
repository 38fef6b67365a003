"""The storage of what is judged and published: quality, closings, publications, carrier statements, complaints."""
