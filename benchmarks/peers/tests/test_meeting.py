"""How two runs of a pair wait for each other."""

import pathlib
import sys
import tempfile
import threading
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "pytorch"))
from meeting import Meeting  # noqa: E402


class Alone:
    """torch.distributed of one rank."""

    def get_rank(self):
        return 0

    def barrier(self):
        pass

    def broadcast_object_list(self, objects, src):
        pass


class MeetingTests(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.signs = [str(pathlib.Path(folder.name) / name) for name in ("a", "b")]

    def meeting(self, own, settle=0.0):
        return Meeting({"warmup": 2, "settle": settle, "steps": 6, "accumulate": 2, "pair": {"own": self.signs[own], "other": self.signs[1 - own]}}, Alone())

    def both_ready(self):
        pair = self.meeting(0), self.meeting(1)
        threads = [threading.Thread(target=one.counts, args=(2,), daemon=True) for one in pair]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(10)
            self.assertFalse(thread.is_alive())
        return pair

    def test_counts_after_the_warmup_waits_for_the_other(self):
        arrived = threading.Event()
        one = self.meeting(0)
        self.assertFalse(one.counts(0))
        self.assertFalse(one.counts(1))
        waiting = threading.Thread(target=lambda: one.counts(2) and arrived.set(), daemon=True)
        waiting.start()
        self.assertFalse(arrived.wait(0.05))
        self.assertTrue(self.meeting(1).counts(2))
        waiting.join(10)
        self.assertTrue(arrived.is_set())

    def test_counts_before_the_run_has_settled_is_false(self):
        self.assertFalse(self.meeting(0, settle=3600).counts(100))

    def test_goes_on_until_the_other_has_done_its_steps_in_whole_updates(self):
        one, other = self.both_ready()
        self.assertTrue(one.goes_on(5))
        self.assertTrue(one.goes_on(6))
        self.assertFalse(other.goes_on(6))
        self.assertTrue(one.goes_on(7))
        self.assertFalse(one.goes_on(8))

    def test_a_run_by_itself_takes_its_steps_after_its_warmup_and_meets_nobody(self):
        alone = Meeting({"warmup": 2, "settle": 0.0, "steps": 4, "accumulate": 2, "pair": None}, Alone())
        counted, done = [], 0
        while alone.goes_on(done):
            counted.append(alone.counts(done))
            done += 1
        self.assertEqual(counted, [False, False, True, True])


if __name__ == "__main__":
    unittest.main()
