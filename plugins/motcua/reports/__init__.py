"""Texts and files for staff: mails, workbooks and charts, and the forms of numbers and dates in them."""
