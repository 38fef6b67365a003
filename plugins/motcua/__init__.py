"""MotcuaSMS: SMS notices on one-stop dossiers, and figures that anyone can recompute."""
