"""Facts about rows, one file per row type: measured once, when a version is frozen, in passes over few columns."""
