"""A province with pushing one-stop software: the dossiers' histories ("lives"), the clients, and the due texts.

Only the modules ``province`` and ``abuse`` use code of the system.
"""
