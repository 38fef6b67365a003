"""A province whose one-stop software pushes: its lives, its clients, what phones must get. Only ``province`` and
``abuse`` know the system."""
