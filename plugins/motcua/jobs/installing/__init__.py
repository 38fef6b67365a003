"""Setting a server up: what only people know is asked, tried and written down; what nobody needs to know is made."""
