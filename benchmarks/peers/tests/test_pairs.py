"""Which cores a pair gets, and which of its updates count."""

import types
import unittest

from comparison.configuration import Configuration
from comparison.pairs import overlapping, places

OPTIONS = types.SimpleNamespace(threads=1, accumulate=2)


def run_of(start, *seconds):
    steps, now = [], start
    for duration in seconds:
        now += duration
        steps.append({"step_seconds": duration, "end_time": now, "counted": len(steps) > 0})
    return steps


class PairsTests(unittest.TestCase):
    def test_places_enough_cores_gives_each_its_own(self):
        one, two = (Configuration("convoy", "fp32", processes, "auto") for processes in (1, 2))
        self.assertEqual(places((one, one), OPTIONS, [0, 2]), ([0], [2]))
        self.assertEqual(places((two, two), OPTIONS, [0, 1, 2, 3, 4]), ([0, 1], [2, 3]))

    def test_places_too_few_cores_gives_none(self):
        one, two = (Configuration("convoy", "fp32", processes, "auto") for processes in (1, 2))
        self.assertIsNone(places((two, two), OPTIONS, [0, 1, 2]))
        self.assertIsNone(places((one, one), types.SimpleNamespace(threads=2), [0, 1]))

    def test_overlapping_leaves_out_what_one_did_alone(self):
        # A step of warm-up, then updates of two steps: the one ends at 3, 5, 7, 9 and 11, the other at 4, 8 and 12.
        fast, slow = run_of(0, *[1] * 11), run_of(-2, *[2] * 7)
        counted = overlapping([fast, slow], OPTIONS)
        # Both had updates to count from 1 to 11, so that the slow one's first (0 to 4) and last (8 to 12) have parts outside.
        self.assertEqual(counted, [[2, 2, 2, 2, 2], [4]])

    def test_overlapping_a_start_some_milliseconds_apart_counts(self):
        counted = overlapping([run_of(0, 1, 1, 1), run_of(0.004, 1, 1, 1)], OPTIONS)
        self.assertEqual(counted, [[2], [2]])

    def test_overlapping_runs_one_after_the_other_end_the_comparison(self):
        with self.assertRaises(SystemExit) as ended:
            overlapping([run_of(0, 1, 1, 1), run_of(10, 1, 1, 1)], OPTIONS)
        self.assertIn("did not train at the same time", str(ended.exception))


if __name__ == "__main__":
    unittest.main()
