"""Physics of the bench: motor steps in, pressure and outflow out. Knows no firmware."""
