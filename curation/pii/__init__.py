"""Personal data: found by presidio's recognisers, run only where a compiled scan says that something can be."""
