"""What staff get to read: mails, workbooks, charts, and how numbers and dates are written in them."""
