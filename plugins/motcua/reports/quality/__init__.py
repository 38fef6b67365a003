"""The mails and workbooks about data quality."""
