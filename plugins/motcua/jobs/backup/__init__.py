"""How is a backup made, encrypted, kept, looked through and put back?"""
