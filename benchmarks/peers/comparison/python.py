"""The Pythons of the comparison: which PyTorch each has, and whether it can compile."""

import json
import shutil
import subprocess
import sys
from dataclasses import dataclass

FACTS = "import json, platform, torch; print(json.dumps([torch.__version__, platform.python_version(), hasattr(torch, 'compile')]))"
# Also finds out that Inductor has no C++ compiler, or that this Python is too new for this PyTorch.
COMPILE = "import torch; torch.compile(lambda x: (x * 2).relu())(torch.ones(64))"


@dataclass(frozen=True)
class Peer:
    """A Python with PyTorch."""

    program: str
    version: str  # of PyTorch
    python: str  # the version of Python


def find(programs, compiles):
    """Looks at each Python, and ends the comparison with one line when it cannot take part."""
    return [look_at(program, compiles) for program in programs]


def look_at(program, compiles):
    if shutil.which(program) is None:
        refuse(f"no such Python ({program}). Give one that has torch with --python.")
    version, python, has_compile = json.loads(ask(program, FACTS, f"the Python has no torch ({program}). Give one that has it with --python"))
    if compiles and not has_compile:
        refuse(f"PyTorch {version} has no torch.compile ({program}). Leave --compile out, or give a Python with PyTorch 2.0 or later with --python.")
    if compiles:
        ask(program, COMPILE, f"torch.compile of PyTorch {version} does not work ({program}). Leave --compile out, or make it work (it needs a C++ compiler)")
    return Peer(program, version, python)


def ask(program, code, refusal):
    result = subprocess.run([program, "-c", code], capture_output=True, text=True, check=False)
    if result.returncode:
        lines = [line for line in result.stderr.splitlines() if line.strip()]
        refuse(f"{refusal}: {lines[-1].strip() if lines else f'exit code {result.returncode}'}")
    return result.stdout


def refuse(line):
    """Bad input is one line and exit code 2."""
    print(f"compare: {line}", file=sys.stderr)
    sys.exit(2)
