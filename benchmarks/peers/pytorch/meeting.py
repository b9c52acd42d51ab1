"""When a run counts: after its warm-up, and in a pair while the other run counts, too. Two runs that are measured at the same time meet through files of a
folder: benchmarks/Convoy.PeerComparison/PairMeeting.cs does the same."""

import pathlib
import time


class Meeting:
    """A run warms up for a number of steps and at least some seconds, in whole updates. One of a pair then waits until the other is ready, and goes on after
    its steps until the other has done its own."""

    def __init__(self, settings, ranks):
        self._settings, self._ranks = settings, ranks
        self._pair = settings["pair"]
        self._start = time.monotonic()
        self._warm = None  # steps that were taken when the warm-up ended

    def counts(self, done):
        """Before the step that follows some: whether it counts. All ranks call it together."""
        if self._warm is None and done >= self._settings["warmup"] and done % self._settings["accumulate"] == 0 and self._all(self._is_settled):
            self._warm = done
            if self._pair:
                self._meet()
        return self._warm is not None

    def goes_on(self, done):
        """Whether there is another step after some; in whole updates. All ranks call it together."""
        measured = 0 if self._warm is None else done - self._warm
        wanted = self._settings["steps"] - self._settings["warmup"]
        if self._warm is None or measured < wanted or (self._pair and done % self._settings["accumulate"]):
            return True
        if not self._pair:
            return False
        if measured == wanted and self._ranks.get_rank() == 0:
            self._say("done")
        return self._all(lambda: not self._other("done"))

    def _is_settled(self):
        return time.monotonic() - self._start >= self._settings["settle"]

    def _meet(self):
        if self._ranks.get_rank() == 0:
            self._say("ready")
            while not self._other("ready"):
                time.sleep(0.001)
        self._ranks.barrier()

    def _all(self, question):
        """Rank 0's answer, on all ranks."""
        answer = [question()]
        self._ranks.broadcast_object_list(answer, src=0)
        return answer[0]

    def _say(self, state):
        pathlib.Path(f"{self._pair['own']}.{state}").touch()

    def _other(self, state):
        return pathlib.Path(f"{self._pair['other']}.{state}").exists()
