"""A simulated province whose one-stop software pushes dossiers to the intake app.

The package has the histories of dossiers ("lives"), the clients that push dossiers, and the texts that citizens must
get.

Only the modules ``province`` and ``abuse`` use code of the system.
"""
