"""The ratios of made-up runs, their goals and whether they are met."""

import contextlib
import io
import math
import unittest

from comparison.configuration import alternatives, convoy, peers
from comparison.interval import Ratio
from comparison.options import arguments
from comparison.python import Peer
from comparison.ratios import INDISTINGUISHABLE, Row, rows
from comparison.results import Results
from comparison.tables import print_ratios, print_speeds

OLD, NEW = Peer("/usr/bin/python3", "1.13.1", "3.11.2"), Peer("/opt/new/bin/python", "2.13.0", "3.13.1")


def results_of(*words, peers=(OLD,)):
    options = arguments(list(words))
    options.peers = list(peers)
    return Results(options)


def run_of(seconds, peak=100, **more):
    return {"updates": [seconds], "peak_bytes": peak, "losses": [1.0], **more}


class RatiosTests(unittest.TestCase):
    def test_rows_by_turns_takes_pytorchs_faster_format_and_pairs_rounds(self):
        results = results_of("--repeats", "2", "--precision", "bf16")
        own = convoy(results.options, "bf16", 2)
        slow, fast = peers(results.options, "bf16", 2)[0]
        for seconds in (1, 2):  # The second round's machine is half as fast.
            results.add(own, run_of(seconds, peak=90))
            results.add(slow, run_of(3 * seconds))
            results.add(fast, run_of(2 * seconds, peak=100))
        speed, memory = rows(results, has_amx=False)[:2]
        self.assertIn("channels_last", speed.what)
        self.assertAlmostEqual(speed.ratio.value, 2)
        self.assertAlmostEqual(speed.ratio.low, 2)
        self.assertEqual((speed.goal, speed.verdict()), (">= 1.6", "yes"))
        self.assertAlmostEqual(memory.ratio.value, 0.9)
        self.assertEqual((memory.goal, memory.verdict()), ("<= 1.0", "yes"))

    def test_rows_goals_follow_processor_version_and_size(self):
        def goals(results, precision, has_amx):
            own = convoy(results.options, precision, 2)
            results.add(own, run_of(1))
            for formats in peers(results.options, precision, 2):
                results.add(formats[0], run_of(2))
            return [row.goal for row in rows(results, has_amx) if row.what.endswith("images/s")]

        self.assertEqual(goals(results_of("--precision", "bf16", peers=[OLD, NEW]), "bf16", True), [">= 1.8", ">= 1.5"])
        self.assertEqual(goals(results_of("--precision", "fp32"), "fp32", True), [">= 2.0"])
        self.assertEqual(goals(results_of("--image-size", "400x184"), "fp32", True), [""])

    def test_rows_pairs_are_of_their_rounds_alone(self):
        results = results_of("--pairs", "--processes", "1", "--repeats", "2")
        own = convoy(results.options, "fp32", 1)
        fast = peers(results.options, "fp32", 1)[0][1]
        results.add(own, run_of(1))
        results.add(fast, run_of(99))  # Of no pair's round.
        for ratio in (2, 8):
            results.add_round(own, fast, math.log(ratio), math.log(0.5))
        speed, memory = rows(results, has_amx=False)
        self.assertAlmostEqual(speed.ratio.value, 4)
        self.assertAlmostEqual(memory.ratio.value, 0.5)

    def test_rows_against_sets_convoy_beside_itself(self):
        results = results_of("--fuse", "auto", "--against", "fuse=none memory_format=contiguous", peers=())
        own = convoy(results.options, "fp32", 2)
        results.add(own, run_of(1))
        results.add(alternatives(results.options, "fp32", 2)[0], run_of(1.25))
        speed = rows(results, has_amx=False)[0]
        self.assertEqual(speed.what, "Convoy fp32, 2 x 1, fuse=auto : fuse=none memory_format=contiguous, images/s")
        self.assertAlmostEqual(speed.ratio.value, 1.25)
        self.assertEqual(speed.verdict(), "yes")

    def test_verdict_says_where_the_interval_holds_the_goal(self):
        self.assertEqual(Row("", Ratio(2.1, 1.9, 2.3), ">= 2.0").verdict(), "yes, the interval holds the goal")
        self.assertEqual(Row("", Ratio(1.9, 1.8, 1.95), ">= 2.0").verdict(), "no")
        self.assertEqual(Row("", Ratio(1.1, 0.9, 1.3), "<= 1.0").verdict(), "no, the interval holds the goal")
        self.assertEqual(Row("", Ratio(2.1, None, None), ">= 2.0").verdict(), "yes")
        self.assertEqual(Row("", Ratio(0.96, 0.94, 0.98), INDISTINGUISHABLE).verdict(), "no")
        self.assertEqual(Row("", Ratio(0.96, 0.91, 1.01), INDISTINGUISHABLE).verdict(), "not distinguishable")
        self.assertEqual(Row("", Ratio(0.98, 0.97, 0.99), INDISTINGUISHABLE).verdict(), "yes")

    def test_print_speeds_reports_compilation_by_itself(self):
        results = results_of("--compile", "--memory-format", "contiguous", peers=[NEW])
        compiled = peers(results.options, "fp32", 2)[1][0]
        results.add(compiled, run_of(1, compile_seconds=55.0))
        results.add(compiled, run_of(1, compile_seconds=17.0))
        text = io.StringIO()
        with contextlib.redirect_stdout(text):
            print_speeds(results)
            print_ratios(results, has_amx=False)
        self.assertIn("| PyTorch 2.13.0 fp32, 2 x 1, contiguous, compiled | 2 | 16.000 | 16.000 to 16.000 | 0 MiB |", text.getvalue())
        self.assertIn("| PyTorch 2.13.0 fp32, 2 x 1, contiguous, compiled | 55.0 | 17.0 |", text.getvalue())


if __name__ == "__main__":
    unittest.main()
