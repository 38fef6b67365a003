"""Import exports, the files of dossiers that one-stop software drops: their forms, reading, and each file's outcome."""
