"""Import exports: the files of dossiers that one-stop software writes into folders."""
