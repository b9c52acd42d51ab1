"""What is run: a side with its precision, processes, memory format and batch norm."""

from dataclasses import dataclass, replace

NAMES = {"convoy": "Convoy", "pytorch": "PyTorch"}


@dataclass(frozen=True)
class Configuration:
    """One way to train."""

    side: str  # "convoy" or "pytorch"
    precision: str
    processes: int
    memory_format: str  # "contiguous", "channels_last", or for Convoy "auto": what convoy train takes
    sync_bn: bool = False
    fuse: str = ""  # of Convoy: as convoy train --fuse takes it
    python: str = ""  # of PyTorch: the program
    version: str = ""  # of PyTorch
    compiled: bool = False  # of PyTorch: by torch.compile

    def settings(self):
        """What this run changes in the settings that all share."""
        return {"precision": self.precision, "processes": self.processes, "memory_format": self.memory_format, "sync_bn": self.sync_bn,
                "fuse": self.fuse or "none", "compile": self.compiled}

    def label(self, options):
        """What the tables call it."""
        parts = [f"{NAMES[self.side]}{f' {self.version}' if self.version else ''} {self.precision}", f"{self.processes} x {options.threads}"]
        if self.memory_format != "auto":
            parts.append(self.memory_format)
        if self.side == "convoy" and options.against:
            parts.append(f"fuse {self.fuse}")
        if self.side == "pytorch" and options.compile:
            parts.append("compiled" if self.compiled else "eager")
        if self.sync_bn:
            parts.append("synchronised batch norm")
        return ", ".join(parts)


def convoy(options, precision, processes):
    """Convoy as the options have it."""
    return Configuration("convoy", precision, processes, "auto" if options.memory_format == "best" else options.memory_format, options.sync_bn, fuse=options.fuse)


def alternatives(options, precision, processes):
    """Convoy with the settings of each --against."""
    return [replace(convoy(options, precision, processes), **changes) for changes in options.against]


def peers(options, precision, processes):
    """PyTorch's ways: for each Python, eager and where asked for compiled, a list of those that differ by the memory format alone."""
    formats = ("contiguous", "channels_last") if options.memory_format == "best" else (options.memory_format,)
    return [
        [Configuration("pytorch", precision, processes, layout, options.sync_bn, python=peer.program, version=peer.version, compiled=compiled) for layout in formats]
        for peer in options.peers
        for compiled in ((False, True) if options.compile else (False,))
    ]


def plan(options):
    """All configurations of a comparison by turns, in the order of the first round."""
    most = max(options.processes)
    found = []
    for processes in options.processes:
        for precision in options.precision:
            own = convoy(options, precision, processes)
            found.append(own)
            found += alternatives(options, precision, processes)
            found += [configuration for formats in peers(options, precision, processes) for configuration in formats]
            if options.with_sync_bn and processes == most and not options.sync_bn:
                found.append(replace(own, sync_bn=True))
    return list(dict.fromkeys(found))
