"""The benchmark: what a district costs in seconds and memory, at two sizes. `python -m bench`, or `make bench`."""
