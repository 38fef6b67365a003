"""Make dossiers with planted defects; the code that plants a defect states which rules of the check must find it."""
