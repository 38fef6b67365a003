"""Where one-stop software pushes to, in the protocol of the National Public Service Portal as its clients speak it."""
