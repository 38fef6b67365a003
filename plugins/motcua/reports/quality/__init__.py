"""The mails and workbooks of data quality."""
