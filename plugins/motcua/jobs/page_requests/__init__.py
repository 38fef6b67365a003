"""How is what pages ask for told to the Department, and done when its time has come?"""
