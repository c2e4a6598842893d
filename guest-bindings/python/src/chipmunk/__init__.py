"""Write Chipmunk plugins in Python: see the modules `parser` and `source`, and this folder's README."""
