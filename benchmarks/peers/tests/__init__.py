"""The comparison's tests: python3 -m unittest discover -s tests -t . in benchmarks/peers; no torch is needed."""
