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

    def meeting(self, own):
        return Meeting({"warmup": 2, "steps": 4, "accumulate": 2, "pair": {"own": self.signs[own], "other": self.signs[1 - own]}}, Alone())

    def test_before_the_first_step_after_the_warmup_waits_for_the_other(self):
        arrived = threading.Event()

        def arrive():
            self.meeting(0).before(3)
            arrived.set()

        self.meeting(0).before(2)
        waiting = threading.Thread(target=arrive, daemon=True)
        waiting.start()
        self.assertFalse(arrived.wait(0.05))
        self.meeting(1).before(3)
        waiting.join(10)
        self.assertTrue(arrived.is_set())

    def test_goes_on_until_the_other_has_done_its_steps_in_whole_updates(self):
        one, other = self.meeting(0), self.meeting(1)
        self.assertTrue(one.goes_on(4))
        self.assertFalse(other.goes_on(4))
        self.assertTrue(one.goes_on(5))
        self.assertFalse(one.goes_on(6))

    def test_a_run_by_itself_meets_nobody(self):
        alone = Meeting({"warmup": 0, "steps": 4, "accumulate": 2, "pair": None}, Alone())
        alone.before(1)
        self.assertFalse(alone.goes_on(4))


if __name__ == "__main__":
    unittest.main()
