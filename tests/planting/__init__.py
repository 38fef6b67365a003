"""Worlds of dossiers with planted defects that the quality check must find; the planting code states each defect."""
