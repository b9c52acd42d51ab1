"""Two runs that are measured at the same time meet through files of a folder: benchmarks/Convoy.PeerComparison/PairMeeting.cs does the same."""

import pathlib
import time


class Meeting:
    """A run of a pair waits after its warm-up until the other is ready, and goes on after its steps until the other has done its own. A run by itself does neither."""

    def __init__(self, settings, ranks):
        self._settings, self._ranks = settings, ranks
        self._pair = settings["pair"]

    def before(self, number):
        """Before a step, from 1: waits for the other run where the warm-up is over."""
        if self._pair and number == self._settings["warmup"] + 1:
            if self._ranks.get_rank() == 0:
                self._say("ready")
                while not self._other("ready"):
                    time.sleep(0.001)
            self._ranks.barrier()

    def goes_on(self, done):
        """Whether to go on after the steps that the settings ask for; in whole updates."""
        if not self._pair:
            return False
        if done % self._settings["accumulate"]:
            return True
        if done == self._settings["steps"] and self._ranks.get_rank() == 0:
            self._say("done")
        answer = [not self._other("done")]
        self._ranks.broadcast_object_list(answer, src=0)
        return answer[0]

    def _say(self, state):
        pathlib.Path(f"{self._pair['own']}.{state}").touch()

    def _other(self, state):
        return pathlib.Path(f"{self._pair['other']}.{state}").exists()
