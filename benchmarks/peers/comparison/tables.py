"""The comparison's tables, in Markdown."""

from comparison.results import relative

SIDES = ("convoy", "pytorch")


def print_losses(results):
    """Both sides' losses step by step, a table a precision. Returns the largest relative difference."""
    options = results.options
    worst = 0
    for precision in options.precision:
        sides = [results.find(side, precision, max(options.processes)) for side in SIDES]
        convoy, pytorch = map(results.losses, sides)
        print(f"| step, {precision} | Convoy | PyTorch | relative difference |")
        print("|--:|--:|--:|--:|")
        for step, (left, right) in enumerate(zip(convoy, pytorch), 1):
            print(f"| {step} | {left:.12g} | {right:.12g} | {relative(left, right):.1e} |")
        largest = max(map(relative, convoy, pytorch))
        worst = max(worst, largest)
        print(f"\nLargest relative difference of a step's loss, {precision}: {largest:.1e}\n")
    for configuration, runs in results.runs.items():
        if len(runs) > 1 and not results.repeated(configuration):
            print(f"{name(configuration, options)}: the losses of {len(runs)} runs are NOT equal to the last bit\n")
    return worst


def print_reference(results, reference):
    """How far rounding alone takes each side's losses from those of PyTorch in fp64."""
    options = results.options
    sides = [results.find(side, options.precision[0], max(options.processes)) for side in SIDES]
    print("| step | PyTorch fp64 | Convoy is off by | PyTorch is off by |")
    print("|--:|--:|--:|--:|")
    for step, exact in enumerate(reference["losses"]):
        print(f"| {step + 1} | {exact:.12g} | " + " | ".join(f"{relative(exact, results.losses(side)[step]):.1e}" for side in sides) + " |")
    print()


def name(configuration, options):
    return str(configuration).format(threads=options.threads)


def print_speeds(results):
    """Every configuration's speed and memory."""
    options = results.options
    print("| processes x threads | images/s, median | smallest to largest | peak memory of a rank |")
    print("|---|--:|--:|--:|")
    for configuration in results.runs:
        speeds = results.speeds(configuration)
        print(f"| {name(configuration, options)} | {results.speed(configuration):.3f} | {min(speeds):.3f} to {max(speeds):.3f} "
              f"| {results.peak_bytes(configuration) / 2**20:.0f} MiB |")
    print(f"\nA run counts with its median update of {options.accumulate} steps; its first {options.warmup} steps, loading and start are left out. "
          f"A configuration counts with the median of its runs, one a round.\n")


def ratios(results):
    """(what, ratio, smallest, largest, goal) for each pair of configurations that was run; a goal is ">= x", "<= x" or empty."""
    most = max(results.options.processes)
    find, speeds, peaks = results.find, results.speeds, results.peaks
    synchronised = not results.options.sync_bn
    pairs = [
        ("Convoy fp32 : PyTorch fp32 in its best format, images/s", speeds, find("convoy", "fp32", most), find("pytorch", "fp32", most), ">= 1.4"),
        ("Convoy bf16 : PyTorch bf16 in its best format, images/s", speeds, find("convoy", "bf16", most), find("pytorch", "bf16", most), ">= 1.4"),
        ("Convoy bf16 : PyTorch fp32 contiguous, images/s", speeds, find("convoy", "bf16", most), find("pytorch", "fp32", most, "contiguous"), ">= 2.6"),
        ("Convoy bf16 : Convoy fp32, images/s", speeds, find("convoy", "bf16", most), find("convoy", "fp32", most), ">= 1.8"),
        ("Convoy bf16 : Convoy fp32, peak memory of a rank", peaks, find("convoy", "bf16", most), find("convoy", "fp32", most), "<= 0.75"),
    ]
    for precision in ("fp32", "bf16"):
        convoy, pytorch = find("convoy", precision, most), find("pytorch", precision, most)
        pairs.append((f"Convoy {precision} : PyTorch {precision} in its best format, peak memory of a rank", peaks, convoy, pytorch, ""))
        if synchronised:
            pairs.append((f"Convoy {precision} with synchronised batch norm : PyTorch {precision} in its best format without, images/s",
                          speeds, find("convoy", precision, most, sync_bn=True), pytorch, ""))
    rows = [(what, *results.ratio(value, first, second), goal) for what, value, first, second, goal in pairs if first and second]
    for precision, goal in (("fp32", ">= 0.97"), ("bf16", ">= 0.95")):
        one, all_ = find("convoy", precision, 1), find("convoy", precision, most)
        if most > 1 and one and all_:
            ratio = [value / most for value in results.ratio(speeds, all_, one)]
            rows.append((f"Convoy {precision}: efficiency of {most} processes against 1", *ratio, goal))
    return rows


def print_ratios(results):
    """The ratios, with the goals that they are measured against."""
    rows = ratios(results)
    if not rows:
        return
    print("| ratio | median | smallest to largest of a round | goal | met |")
    print("|---|--:|--:|--:|---|")
    for what, ratio, smallest, largest, goal in rows:
        print(f"| {what} | {ratio:.2f} | {smallest:.2f} to {largest:.2f} | {goal} | {verdict(ratio, goal)} |")
    print()


def verdict(ratio, goal):
    if not goal:
        return ""
    sign, bound = goal.split()
    return "yes" if (ratio >= float(bound) if sign == ">=" else ratio <= float(bound)) else "no"
