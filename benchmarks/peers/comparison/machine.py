"""The machine that a comparison ran on, as convoy doctor describes it."""

import json
import pathlib

from comparison.side import ROOT, run


def has_amx():
    """Whether the processor multiplies bf16 matrices by tiles: goals differ."""
    facts = pathlib.Path("/proc/cpuinfo")
    return facts.exists() and "amx_bf16" in facts.read_text(encoding="utf-8", errors="replace").split()


def model():
    """The processor's family and model, which a name such as "AMD EPYC" leaves open; empty where the system does not tell."""
    facts = pathlib.Path("/proc/cpuinfo")
    pairs = [line.partition(":")[::2] for line in facts.read_text(encoding="utf-8", errors="replace").splitlines()] if facts.exists() else []
    found = {name.strip(): value.strip() for name, value in reversed(pairs)}
    return f"family {found['cpu family']}, model {found['model']}" if "cpu family" in found and "model" in found else ""


def describe(options):
    """Lines of Markdown: the processor, its peaks, the system, versions."""
    found = json.loads(run([ROOT / "convoy", "doctor", "--json"], options.threads))
    host = found["host"]
    versions = host["versions"]
    peaks = ", ".join(f"{p['precision']} {p['gigaflops_per_second']:.0f} GFLOP/s on {p['threads']}" for p in found["matrix_multiply"])
    kind = model()
    return (
        f"**{host['cpu_model']}**{f' ({kind})' if kind else ''}, {host['usable_cores']} usable cores, {', '.join(host['instruction_sets'])}; "
        f"last-level cache {host['last_level_cache_bytes'] / 2**20:.0f} MiB; matrix multiplication by threads: {peaks}; "
        f"memory {found['memory_bandwidth']['gigabytes_per_second']:.0f} GB/s, {host['memory_total_bytes'] / 2**30:.1f} GiB (`convoy doctor --json`).\n\n"
        f"{host['operating_system']}. Convoy {versions['convoy']}, .NET {versions['dotnet']}, TorchSharp {versions['torchsharp']}, libtorch {versions['libtorch']}. "
        + " ".join(f"PyTorch {peer.version} on Python {peer.python}." for peer in options.peers))
