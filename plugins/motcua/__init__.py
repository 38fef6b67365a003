"""MotcuaSMS: SMS notices on one-stop dossiers, and figures that anyone can recompute."""

__version__ = "0.1.0"
