"""A comparison as a dated Markdown document."""

import datetime
import shlex
import sys

from comparison.machine import describe, has_amx
from comparison.tables import print_losses, print_ratios, print_speeds

PAIRS = ("Pairs: where the machine has a core for each thread of both, two runs at the same time, each on its own cores, of which only the updates count during which both trained, "
         "then with the cores swapped; the geometric mean of the two is a round. Else one run after the other, in changing order. ")
TURNS = "In each round every configuration ran once; odd and even rounds in opposite order. "


def print_report(results):
    """Prints the document. Returns the largest relative difference of a loss."""
    options = results.options
    against = "Convoy beside Convoy" if options.against else "Speed beside PyTorch"
    print(f"# {against}, {datetime.date.today().isoformat()}\n")
    print(f"{describe(options)}\n")
    print(f"The same network, weights, batches and settings{'' if options.against else ': Convoy over shared memory against PyTorch’s DistributedDataParallel over Gloo'}. "
          f"{options.network} network{f' ({options.encoder})' if options.network == 'lane' else ''}, {options.image_size}, global batch {options.batch_size}, "
          f"{options.steps} steps a run, an update every {options.accumulate}. "
          f"{options.repeats} {'round' if options.repeats == 1 else 'rounds'}. {PAIRS if options.pairs else TURNS}\n")
    print("## Ratios\n")
    print_ratios(results, has_amx())
    if options.peers:
        print("Each side is in its best memory format: Convoy in the one that `convoy train` takes on this machine, PyTorch in the faster of contiguous and "
              "channels_last. Batch norm takes each rank's own images unless a row says otherwise: "
              "PyTorch has no synchronised one for CPUs, and `convoy train` has it on by default.\n")
    print("## Speed and memory\n")
    print_speeds(results)
    print_what_ran(results)
    print("## Command\n")
    print(f"```\n{shlex.join(['benchmarks/peers/compare', *sys.argv[1:]])}\n```\n")
    if not options.peers:
        return print_losses(results)
    print("## Losses\n")
    print("bfloat16 carries 8 bits, so that two correct implementations may differ by 2^-8 = 3.9e-3 in a value.\n")
    return print_losses(results)


def print_what_ran(results):
    for configuration, runs in results.runs.items():
        ran = runs[0]
        if configuration.side == "convoy":
            print(f"- {configuration.label(results.options)}: {ran['memory_format']}, fused operations: {ran['fuse']}, "
                  f"allocator: {'`GLIBC_TUNABLES=' + ran['allocator'] + '`' if ran['allocator'] else 'as the system has it'}")
        else:
            print(f"- {configuration.label(results.options)}: AdamW {'fused' if ran['fused_optimizer'] else 'as PyTorch has it by default'}")
    peer = ", ".join(f"`{name}={value}`" for name, value in results.options.peer_env) or "no settings of their own"
    print(f"\nPyTorch's ranks have {peer}.\n" if results.options.peers else "")
