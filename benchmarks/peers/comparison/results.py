"""The runs of a comparison, and what is computed of them."""

import math
import statistics

from comparison.interval import ratio_of


class Results:
    """For each configuration its runs; where pairs were run, for each pair its rounds."""

    def __init__(self, options):
        self.options = options
        self.runs = {}
        self.pairs = {}

    def add(self, configuration, run):
        self.runs.setdefault(configuration, []).append(run)

    def add_round(self, first, second, speed, memory):
        """A round of a pair: the logarithms of first : second."""
        self.pairs.setdefault((first, second), []).append({"speed": speed, "memory": memory})

    def speeds(self, configuration):
        """Images a second of each run: of its median update."""
        images = self.options.batch_size * self.options.accumulate
        return [images / statistics.median(run["updates"]) for run in self.runs[configuration]]

    def speed(self, configuration):
        return statistics.median(self.speeds(configuration))

    def peaks(self, configuration):
        return [run["peak_bytes"] for run in self.runs[configuration]]

    def peak_bytes(self, configuration):
        return statistics.median(self.peaks(configuration))

    def losses(self, configuration):
        """Those of the first run."""
        return self.runs[configuration][0]["losses"]

    def repeated(self, configuration):
        """Whether all runs had the same losses to the last bit."""
        return all(run["losses"] == self.losses(configuration) for run in self.runs[configuration])

    def fastest(self, configurations):
        """Of those that were run the fastest; None when none was. With losses alone there may be too few steps for a speed, and only one configuration."""
        ran = [configuration for configuration in configurations if configuration in self.runs]
        return max(ran, key=self.speed) if len(ran) > 1 else ran[0] if ran else None

    def ratio(self, value, first, second):
        """First : second in "speed" or "memory", of the pairs' rounds, or else of the rounds in which all ran by turns; None where they were not set beside each other."""
        if self.options.pairs:
            rounds = self.pairs.get((first, second))
            return ratio_of([one[value] for one in rounds]) if rounds else None
        if first not in self.runs or second not in self.runs:
            return None
        of = self.speeds if value == "speed" else self.peaks
        return ratio_of([math.log(left / right) for left, right in zip(of(first), of(second))])


def relative(first, second):
    return abs(first - second) / abs(first)
