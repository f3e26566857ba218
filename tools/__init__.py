"""Programs that make things for the repository, run by hand through make.
Called by the Makefile; nothing of the venue imports them."""
