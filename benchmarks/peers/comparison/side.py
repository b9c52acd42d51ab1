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
SETTINGS = "settings.json"


def run(command, threads, environment=None, **how):
    """Runs a command; its standard error passes through, and its failure ends the comparison."""
    result = subprocess.run([str(word) for word in command], env=variables(threads, environment), stdout=subprocess.PIPE, text=True, check=False, **how)
    if result.returncode:
        sys.stderr.write(result.stdout)
        sys.exit(f"compare: {command[0]} ended with exit code {result.returncode}. Its messages are above.")
    return result.stdout


def variables(threads, environment=None):
    return os.environ | {"OMP_NUM_THREADS": str(threads)} | (environment or {})


def build(threads):
    """Builds Convoy's side."""
    run(["dotnet", "build", PROJECT, "-c", "Release", "-v", "quiet", "-nologo"], threads)


def write_settings(folder, options, file=SETTINGS, **changes):
    """Writes what a side reads: PeerSettings.cs and train.py know these names. Returns the file."""
    names = ("network", "encoder", "image_size", "batch_size", "batches", "steps", "threads", "lr", "weight_decay", "accumulate", "clip", "seed", "dump", "warmup", "settle")
    chosen = {name: getattr(options, name) for name in names}
    chosen["data"] = options.data if options.data == "synthetic" else os.path.abspath(options.data)
    chosen["pair"] = None
    path = os.path.join(folder, file)
    with open(path, "w", encoding="utf-8") as stream:
        json.dump(chosen | changes, stream, indent=2)
    return path


def prepare(folder, options, first):
    """Lets Convoy write the weights and batches that all runs start from."""
    run([PROGRAM, "prepare", folder, write_settings(folder, options, **first.settings())], options.threads)


def command_of(configuration, folder, settings, options):
    """How a run is started: the command and the variables that it gets beside this program's."""
    if configuration.side == "convoy":
        return [PROGRAM, "train", folder, settings], None
    return [configuration.python, PEERS / "pytorch" / "train.py", folder, settings], dict(options.peer_env)


def train(configuration, folder, options):
    """One run by itself: its losses, its seconds an update after the warm-up, the peak memory of a rank, and what a rank ran with."""
    command, environment = command_of(configuration, folder, write_settings(folder, options, **configuration.settings()), options)
    found = read_run(run(command, options.threads, environment), command, options)
    return found | {"updates": [sum(step["step_seconds"] for step in update) for update in updates(found["steps"], options)]}


def read_run(text, command, options):
    """What a run printed: its steps, the losses of those that the settings ask for, and its last line."""
    lines = [json.loads(line) for line in text.splitlines() if line.startswith("{")]
    steps = [line for line in lines if "step" in line]
    if len(steps) < options.steps or "peak_bytes" not in lines[-1]:
        sys.exit(f"compare: {command[0]} printed {len(steps)} steps of {options.steps}. Run it alone to see why: {' '.join(map(str, command))}")
    return {"steps": steps, "losses": [step["loss"] for step in steps[:options.steps]], **lines[-1]}


def updates(steps, options):
    """The steps of each whole update after the warm-up."""
    measured = [step for step in steps if step["counted"]]
    return [measured[i:i + options.accumulate] for i in range(0, len(measured) - options.accumulate + 1, options.accumulate)]
