"""One-stop software whose database nobody sees: it pushes in the national portal's protocol, as a vendor's does."""
