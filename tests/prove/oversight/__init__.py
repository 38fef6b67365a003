"""Whether what is judged and published is right."""
