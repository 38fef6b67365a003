"""The storage of messages and of the data that they need, such as dossiers, gateways and stops."""
