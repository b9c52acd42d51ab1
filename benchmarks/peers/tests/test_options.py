"""What the command line refuses, and what it plans."""

import contextlib
import io
import unittest

from comparison.configuration import peers, plan
from comparison.options import arguments
from comparison.python import Peer


def options_of(*words, peers=()):
    options = arguments(list(words))
    options.peers = list(peers)
    return options


OLD, NEW = Peer("/usr/bin/python3", "1.13.1", "3.11.2"), Peer("/opt/new/bin/python", "2.13.0", "3.13.1")


class OptionsTests(unittest.TestCase):
    def assertRefused(self, line, *words):
        error = io.StringIO()
        with contextlib.redirect_stderr(error), self.assertRaises(SystemExit) as ended:
            arguments(list(words))
        self.assertEqual(ended.exception.code, 2)
        self.assertIn(line, error.getvalue())

    def test_arguments_report_has_its_defaults_and_yields_to_words(self):
        options = options_of("--report", "--processes", "2")
        self.assertTrue(options.pairs and options.with_sync_bn)
        self.assertEqual((options.processes, options.precision, options.repeats), ([2], ["fp32", "bf16"], 4))

    def test_arguments_what_does_not_go_together_is_refused(self):
        self.assertRefused("--warmup ends inside an update (3 steps of 2 an update)", "--warmup", "3")
        self.assertRefused("pairs are of speeds (--pairs with --dump", "--pairs", "--dump")
        self.assertRefused("a run of a pair goes on after its steps, in whole updates (9 steps of 2 an update)", "--pairs", "--steps", "9")
        self.assertRefused("the small network has no encoder (--network smooth --encoder resnet34)", "--network", "smooth", "--encoder", "resnet34")
        self.assertRefused("go with one eager PyTorch at most", "--loss-only", "--compile")
        self.assertRefused("go with one eager PyTorch at most", "--dump", "--python", "a", "--python", "b")
        self.assertRefused("Convoy is set beside Convoy for its speed", "--against", "fuse=none", "--loss-only")

    def test_arguments_against_is_read_as_settings(self):
        options = options_of("--against", "fuse=norm,decoder memory_format=contiguous", "--against", "sync_bn=true")
        self.assertEqual(options.against, [{"fuse": "norm,decoder", "memory_format": "contiguous"}, {"sync_bn": True}])
        self.assertRefused("not settings of Convoy (fused=none)", "--against", "fused=none")
        self.assertRefused("not settings of Convoy (fuse=a fuse=b)", "--against", "fuse=a fuse=b")
        self.assertRefused("not true or false (sync_bn=yes)", "--against", "sync_bn=yes")
        self.assertRefused("no such memory format (nchw)", "--against", "memory_format=nchw")

    def test_arguments_fuse_is_passed_through(self):
        self.assertEqual(plan(options_of("--fuse", "/a/table.json"))[0].settings()["fuse"], "/a/table.json")


class PlanTests(unittest.TestCase):
    def test_plan_two_pythons_and_compile_has_a_configuration_of_each(self):
        options = options_of("--processes", "2", "--compile", peers=[OLD, NEW])
        labels = [configuration.label(options) for configuration in plan(options)]
        self.assertEqual(labels, [
            "Convoy fp32, 2 x 1",
            "PyTorch 1.13.1 fp32, 2 x 1, contiguous, eager", "PyTorch 1.13.1 fp32, 2 x 1, channels_last, eager",
            "PyTorch 1.13.1 fp32, 2 x 1, contiguous, compiled", "PyTorch 1.13.1 fp32, 2 x 1, channels_last, compiled",
            "PyTorch 2.13.0 fp32, 2 x 1, contiguous, eager", "PyTorch 2.13.0 fp32, 2 x 1, channels_last, eager",
            "PyTorch 2.13.0 fp32, 2 x 1, contiguous, compiled", "PyTorch 2.13.0 fp32, 2 x 1, channels_last, compiled",
        ])

    def test_plan_synchronised_batch_norm_is_convoys_with_the_most_processes(self):
        options = options_of("--processes", "1,2", "--with-sync-bn", "--memory-format", "channels_last", peers=[OLD])
        self.assertEqual([(c.side, c.processes, c.sync_bn) for c in plan(options)], [
            ("convoy", 1, False), ("pytorch", 1, False), ("convoy", 2, False), ("pytorch", 2, False), ("convoy", 2, True)])

    def test_plan_against_has_no_pytorch_and_names_what_differs(self):
        options = options_of("--against", "fuse=none")
        self.assertEqual([c.label(options) for c in plan(options)], ["Convoy fp32, 2 x 1, fuse auto", "Convoy fp32, 2 x 1, fuse none"])

    def test_peers_compiled_run_is_told_to_compile(self):
        options = options_of("--compile", "--memory-format", "contiguous", peers=[NEW])
        self.assertEqual([[c.settings()["compile"] for c in formats] for formats in peers(options, "bf16", 2)], [[False], [True]])


if __name__ == "__main__":
    unittest.main()
