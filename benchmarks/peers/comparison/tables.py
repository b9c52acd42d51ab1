"""The comparison's tables, in Markdown."""

from comparison.configuration import convoy, peers
from comparison.ratios import rows
from comparison.results import relative


def sides(results, precision):
    """Of each side the configuration whose losses count: with the most processes, PyTorch's of the first Python, eager, in its faster format."""
    options = results.options
    most = max(options.processes)
    return convoy(options, precision, most), results.fastest(peers(options, precision, most)[0])


def print_losses(results):
    """Both sides' losses step by step, a table a precision. Returns the largest relative difference."""
    options = results.options
    worst = 0
    for precision in options.precision if options.peers else ():
        own, other = map(results.losses, sides(results, precision))
        print(f"| step, {precision} | Convoy | PyTorch | relative difference |")
        print("|--:|--:|--:|--:|")
        for step, (left, right) in enumerate(zip(own, other), 1):
            print(f"| {step} | {left:.12g} | {right:.12g} | {relative(left, right):.1e} |")
        largest = max(map(relative, own, other))
        worst = max(worst, largest)
        print(f"\nLargest relative difference of a step's loss, {precision}: {largest:.1e}\n")
    for configuration, runs in results.runs.items():
        if len(runs) > 1 and not results.repeated(configuration):
            print(f"{configuration.label(options)}: the losses of {len(runs)} runs are NOT equal to the last bit\n")
    return worst


def print_reference(results, reference):
    """How far rounding alone takes each side's losses from those of PyTorch in fp64."""
    both = sides(results, results.options.precision[0])
    print("| step | PyTorch fp64 | Convoy is off by | PyTorch is off by |")
    print("|--:|--:|--:|--:|")
    for step, exact in enumerate(reference["losses"]):
        print(f"| {step + 1} | {exact:.12g} | " + " | ".join(f"{relative(exact, results.losses(side)[step]):.1e}" for side in both) + " |")
    print()


def print_speeds(results):
    """Every configuration's speed and memory."""
    options = results.options
    print("| processes x threads | runs | images/s, median | smallest to largest | peak memory of a rank |")
    print("|---|--:|--:|--:|--:|")
    for configuration in results.runs:
        speeds = results.speeds(configuration)
        print(f"| {configuration.label(options)} | {len(speeds)} | {results.speed(configuration):.3f} | {min(speeds):.3f} to {max(speeds):.3f} "
              f"| {results.peak_bytes(configuration) / 2**20:.0f} MiB |")
    print(f"\nA run counts with its median update of {options.accumulate} steps; its first {options.warmup} steps, at least {options.settle:.0f} s, loading and start are left out"
          f"{', and so is what a run of a pair did while the other was not at work' if options.pairs else ''}. A configuration counts with the median of its runs.\n")
    print_compilation(results)


def print_compilation(results):
    """What torch.compile took, which no step has in it."""
    compiled = {configuration: [run["compile_seconds"] for run in runs] for configuration, runs in results.runs.items() if configuration.compiled}
    if compiled:
        print("| compiled | first two passes, compilation included: seconds, first run | later runs |")
        print("|---|--:|--:|")
        for configuration, seconds in compiled.items():
            print(f"| {configuration.label(results.options)} | {seconds[0]:.1f} | {', '.join(f'{later:.1f}' for later in seconds[1:])} |")
        print()


def print_ratios(results, has_amx):
    """The ratios, with the goals that they are measured against."""
    found = rows(results, has_amx)
    if not found:
        return
    print("| ratio | geometric mean | 95 % interval | goal | met |")
    print("|---|--:|--:|---|---|")
    for row in found:
        print(f"| {row.what} | {row.ratio} | {row.ratio.interval()} | {row.goal} | {row.verdict()} |")
    rounds = results.options.repeats
    print(f"\nThe geometric mean of the ratios of {rounds} {'round' if rounds == 1 else 'rounds'}, and the interval of the mean of their logarithms by Student's t.\n")
