"""A comparison as a dated Markdown document."""

import datetime
import json
import shlex
import sys

from comparison.side import ROOT, run
from comparison.tables import print_losses, print_ratios, print_speeds


def print_report(results):
    """Prints the document. Returns the largest relative difference of a loss."""
    options = results.options
    print(f"# Speed beside PyTorch, {datetime.date.today().isoformat()}\n")
    print(f"The same network, weights, batches and settings: Convoy over shared memory against PyTorch's DistributedDataParallel over Gloo. "
          f"{options.network} network, {options.image_size}, global batch {options.batch_size}, {options.steps} steps a run, an update every {options.accumulate}. "
          f"{options.repeats} {'round' if options.repeats == 1 else 'rounds'}, in each of which every configuration ran once; odd and even rounds in opposite order.\n")
    print("## Ratios\n")
    print_ratios(results)
    print("Each side is in its best memory format: Convoy in the one that `convoy train` takes on this machine, PyTorch in the faster of contiguous and "
          "channels_last, both of which were run. Batch norm takes each rank's own images unless a row says otherwise: "
          "PyTorch has no synchronised one for CPUs, and `convoy train` has it on by default.\n")
    print("## Speed and memory\n")
    print_speeds(results)
    print_what_ran(results)
    print("## Machine and versions\n")
    print_machine(options)
    print("## Command\n")
    print(f"```\n{shlex.join(['benchmarks/peers/compare', *sys.argv[1:]])}\n```\n")
    print("## Losses\n")
    print("bfloat16 carries 8 bits, so that two correct implementations may differ by 2^-8 = 3.9e-3 in a value.\n")
    return print_losses(results)


def print_what_ran(results):
    ran = next(run for configuration, runs in results.runs.items() if configuration.side == "convoy" for run in runs)
    peer = ", ".join(f"`{name}={value}`" for name, value in results.options.peer_env) or "no settings of their own"
    print(f"Convoy's ranks: {ran['memory_format']}, fused operations: {ran['fuse']}, "
          f"allocator: {'`GLIBC_TUNABLES=' + ran['allocator'] + '`' if ran['allocator'] else 'as the system has it'}. PyTorch's ranks: {peer}.\n")


def print_machine(options):
    found = json.loads(run([ROOT / "convoy", "doctor", "--json"], options.threads))
    host = found["host"]
    versions = host["versions"]
    peaks = ", ".join(f"{p['precision']} {p['gigaflops_per_second']:.0f} GFLOP/s" for p in found["matrix_multiply"] if p["threads"] == 1)
    print(f"{host['cpu_model']}, {host['usable_cores']} usable cores, {', '.join(host['instruction_sets'])}; "
          f"{host['memory_total_bytes'] / 2**30:.1f} GiB; {host['operating_system']}. Matrix multiplication on one thread: {peaks}. "
          f"Convoy {versions['convoy']}, .NET {versions['dotnet']}, TorchSharp {versions['torchsharp']}, libtorch {versions['libtorch']}. {peer_version(options)}.\n")


def peer_version(options):
    program = "import platform, torch; print('PyTorch', torch.__version__, 'on Python', platform.python_version())"
    return run([options.python, "-c", program], options.threads).strip()
