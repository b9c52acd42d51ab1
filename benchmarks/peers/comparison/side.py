"""Runs one side of the comparison: Convoy's program, or PyTorch's."""

import json
import os
import pathlib
import subprocess
import sys

PEERS = pathlib.Path(__file__).resolve().parent.parent
ROOT = PEERS.parent.parent
PROJECT = ROOT / "benchmarks" / "Convoy.PeerComparison"
PROGRAM = ROOT / "artifacts" / "bin" / "Convoy.PeerComparison" / "release" / "Convoy.PeerComparison"


def run(command, threads, environment=None, **how):
    """Runs a command; its standard error passes through, and its failure ends the comparison."""
    variables = os.environ | {"OMP_NUM_THREADS": str(threads)} | (environment or {})
    result = subprocess.run([str(word) for word in command], env=variables, stdout=subprocess.PIPE, text=True, check=False, **how)
    if result.returncode:
        sys.stderr.write(result.stdout)
        sys.exit(f"compare: {command[0]} ended with exit code {result.returncode}. Its messages are above.")
    return result.stdout


def build(threads):
    """Builds Convoy's side."""
    run(["dotnet", "build", PROJECT, "-c", "Release", "-v", "quiet", "-nologo"], threads)


def write_settings(folder, options, **changes):
    """Writes what a side reads: PeerSettings.cs and train.py know these names."""
    names = ("network", "image_size", "batch_size", "batches", "steps", "threads", "fuse", "lr", "weight_decay", "accumulate", "clip", "seed", "dump")
    chosen = {name: getattr(options, name) for name in names}
    chosen["data"] = options.data if options.data == "synthetic" else os.path.abspath(options.data)
    with open(os.path.join(folder, "settings.json"), "w", encoding="utf-8") as file:
        json.dump(chosen | changes, file, indent=2)


def prepare(folder, options, first):
    """Lets Convoy write the weights and batches that all runs start from."""
    write_settings(folder, options, **first.settings())
    run([PROGRAM, "prepare", folder], options.threads)


def train(configuration, folder, options):
    """One run: its losses, its seconds a step, the peak memory of a rank, and what a rank ran with."""
    write_settings(folder, options, **configuration.settings())
    if configuration.side == "convoy":
        command, environment = [PROGRAM, "train", folder], None
    else:
        command, environment = [options.python, PEERS / "pytorch" / "train.py", folder], dict(options.peer_env)
    lines = [json.loads(line) for line in run(command, options.threads, environment).splitlines() if line.startswith("{")]
    steps = [line for line in lines if "step" in line]
    if len(steps) != options.steps or "peak_bytes" not in lines[-1]:
        sys.exit(f"compare: {configuration.side} printed {len(steps)} steps of {options.steps}. Run it alone to see why: {' '.join(map(str, command))}")
    return {"losses": [line["loss"] for line in steps], "seconds": [line["step_seconds"] for line in steps], **lines[-1]}
