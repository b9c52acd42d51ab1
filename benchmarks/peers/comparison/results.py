"""The runs of a comparison, and what is computed of them."""

import statistics


class Results:
    """For each configuration its runs, one a round."""

    def __init__(self, configurations, options):
        self.options = options
        self.runs = {configuration: [] for configuration in configurations}

    def add(self, configuration, run):
        self.runs[configuration].append(run)

    def speeds(self, configuration):
        """Images a second of each run: of its median update, which is --accumulate steps, after the warm-up."""
        options = self.options
        speeds = []
        for run in self.runs[configuration]:
            measured = run["seconds"][options.warmup:]
            updates = [sum(measured[i:i + options.accumulate]) for i in range(0, len(measured) - options.accumulate + 1, options.accumulate)]
            speeds.append(options.batch_size * options.accumulate / statistics.median(updates))
        return speeds

    def speed(self, configuration):
        return statistics.median(self.speeds(configuration))

    def peak_bytes(self, configuration):
        return statistics.median(run["peak_bytes"] for run in self.runs[configuration])

    def losses(self, configuration):
        """Those of the first run."""
        return self.runs[configuration][0]["losses"]

    def repeated(self, configuration):
        """Whether all runs had the same losses to the last bit."""
        return all(run["losses"] == self.losses(configuration) for run in self.runs[configuration])

    def find(self, side, precision, processes, memory_format=None, sync_bn=None):
        """The fastest of the configurations that are meant, or None."""
        sync_bn = self.options.sync_bn if sync_bn is None else sync_bn
        found = [
            c for c in self.runs
            if (c.side, c.precision, c.processes, c.sync_bn) == (side, precision, processes, sync_bn) and memory_format in (None, c.memory_format)
        ]
        # With losses alone there may be too few steps for a speed, and only one configuration.
        return max(found, key=self.speed) if len(found) > 1 else found[0] if found else None

    def ratio(self, value, first, second):
        """The ratio of two configurations' medians, and its smallest and largest in a round. value gives one number a run."""
        rounds = [left / right for left, right in zip(value(first), value(second))]
        return statistics.median(value(first)) / statistics.median(value(second)), min(rounds), max(rounds)

    def peaks(self, configuration):
        return [run["peak_bytes"] for run in self.runs[configuration]]


def relative(first, second):
    return abs(first - second) / abs(first)
