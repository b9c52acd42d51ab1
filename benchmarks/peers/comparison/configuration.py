"""What is run: a side with its precision, processes, memory format and batch norm."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Configuration:
    """One way to train, which is run once a round."""

    side: str  # "convoy" or "pytorch"
    precision: str
    processes: int
    memory_format: str  # "contiguous", "channels_last", or for Convoy "auto": what convoy train takes
    sync_bn: bool = False

    def settings(self):
        """What this run changes in the settings that all share."""
        return {"precision": self.precision, "processes": self.processes, "memory_format": self.memory_format, "sync_bn": self.sync_bn}

    def __str__(self):
        name = {"convoy": "Convoy", "pytorch": "PyTorch"}[self.side]
        layout = "" if self.memory_format == "auto" else f", {self.memory_format}"
        return f"{name} {self.precision}, {self.processes} x {{threads}}{layout}{', synchronised batch norm' if self.sync_bn else ''}"


def plan(options):
    """All configurations of a comparison, in the order of the first round."""
    most = max(options.processes)
    formats = {
        "convoy": ("auto",) if options.memory_format == "best" else (options.memory_format,),
        "pytorch": ("contiguous", "channels_last") if options.memory_format == "best" else (options.memory_format,),
    }
    found = []
    for processes in options.processes:
        for precision in options.precision:
            for side in ("convoy", "pytorch"):
                # Fewer processes are there for Convoy's own efficiency.
                if side == "pytorch" and processes < most and options.report:
                    continue
                found += [Configuration(side, precision, processes, layout, options.sync_bn) for layout in formats[side]]
            if options.with_sync_bn and processes == most and not options.sync_bn:
                found.append(Configuration("convoy", precision, processes, formats["convoy"][0], True))
    return found
