"""The parts of benchmarks/peers/compare."""
