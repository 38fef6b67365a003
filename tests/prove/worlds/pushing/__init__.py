"""A simulated province whose one-stop software pushes dossiers to the intake app.

It has the histories of dossiers ("lives"), the clients that push them, and the texts that citizens must get.

Only the modules ``province`` and ``abuse`` use code of the system.
"""
