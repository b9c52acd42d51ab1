"""Which ratios a comparison has, and the goals that they are measured against."""

from dataclasses import dataclass, replace
from typing import Optional

from comparison.configuration import alternatives, convoy, peers
from comparison.interval import Ratio

INDISTINGUISHABLE = ">= 0.97, or 1 within the interval"


@dataclass(frozen=True)
class Row:
    """One ratio."""

    what: str
    ratio: Ratio
    goal: str  # ">= x", "<= x", INDISTINGUISHABLE or empty

    def verdict(self):
        """Whether the goal is met: also whether the whole interval says so."""
        ratio = self.ratio
        if not self.goal:
            return ""
        if self.goal == INDISTINGUISHABLE:
            return "yes" if ratio.value >= 0.97 else "not distinguishable" if ratio.high is not None and ratio.high >= 1 else "no"
        sign, bound = self.goal.split()
        met = [value >= float(bound) if sign == ">=" else value <= float(bound) for value in (ratio.value, ratio.low, ratio.high) if value is not None]
        return ("yes" if met[0] else "no") + ("" if all(met) or not any(met) else ", the interval holds the goal")


def goal(value, precision, pytorch, options, has_amx) -> str:
    """What design.md of the project asks for: of 2 processes and more, of one too, at 800x360 with the lane detector."""
    if options.network != "lane" or options.image_size != "800x360" or precision not in ("fp32", "bf16"):
        return ""
    if value == "memory":
        return "<= 1.0"
    if not pytorch.version.startswith("1."):
        return ">= 1.5"
    return ">= 2.0" if precision == "fp32" else ">= 1.8" if has_amx else ">= 1.6"


def rows(results, has_amx):
    """All ratios of what was run."""
    found = []
    for processes in results.options.processes:
        for precision in results.options.precision:
            found += rows_of(results, precision, processes, has_amx)
    if not results.options.pairs:
        for processes in results.options.processes:
            found += within_convoy(results, processes)
    return found


def rows_of(results, precision, processes, has_amx):
    options = results.options
    own = convoy(options, precision, processes)
    name = f"{precision}, {processes} x {options.threads}"
    found = []
    for other, changes in zip(alternatives(options, precision, processes), options.against):
        words = " ".join(f"{key}={str(value).lower() if isinstance(value, bool) else value}" for key, value in changes.items())
        add(found, f"Convoy {name}, fuse={own.fuse} : {words}, images/s", results.ratio("speed", own, other), INDISTINGUISHABLE)
        add(found, f"Convoy {name}, fuse={own.fuse} : {words}, peak memory of a rank", results.ratio("memory", own, other), "")
    for formats in peers(options, precision, processes):
        pytorch = chosen(results, own, formats)
        if pytorch is None:
            continue
        peer = f"PyTorch {pytorch.version}{', compiled' if pytorch.compiled else ''}, {pytorch.memory_format}"
        add(found, f"Convoy : {peer}, {name}, images/s", results.ratio("speed", own, pytorch), goal("speed", precision, pytorch, options, has_amx))
        add(found, f"Convoy : {peer}, {name}, peak memory of a rank", results.ratio("memory", own, pytorch), goal("memory", precision, pytorch, options, has_amx))
        if not own.sync_bn:
            add(found, f"Convoy with synchronised batch norm : {peer} without, {name}, images/s", results.ratio("speed", replace(own, sync_bn=True), pytorch), "")
    return found


def within_convoy(results, processes):
    first, second = (convoy(results.options, precision, processes) for precision in ("bf16", "fp32"))
    found = []
    for value, what in (("speed", "images/s"), ("memory", "peak memory of a rank")):
        add(found, f"Convoy bf16 : Convoy fp32, {processes} x {results.options.threads}, {what}", results.ratio(value, first, second), "")
    return found


def chosen(results, own, formats) -> Optional[object]:
    """Of the memory formats of PyTorch the one that Convoy was set beside: the fastest."""
    if results.options.pairs:
        return next((configuration for configuration in formats if (own, configuration) in results.pairs), None)
    return results.fastest(formats)


def add(found, what, ratio, wanted):
    if ratio is not None:
        found.append(Row(what, ratio, wanted))
