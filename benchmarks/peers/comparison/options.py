"""What a comparison is asked to do: its command line."""

import argparse
import sys

PRECISIONS = ("fp32", "fp64", "bf16")
CHANGES = ("fuse", "memory_format", "sync_bn")
REPORT = {"precision": ["fp32", "bf16"], "processes": [1, 2], "steps": 8, "warmup": 2, "repeats": 4, "pairs": True, "with_sync_bn": True}
SETTLE = 10.0
ABOUT = """Trains one network on the same weights, batches and settings with Convoy and with PyTorch, and prints the losses side by side, the images
per second, the peak memory and their ratios with 95 % intervals; or sets Convoy beside Convoy in other settings (--against).
benchmarks/peers/README.md says what is compared and how."""


def names(text):
    """fp32,bf16"""
    chosen = text.split(",")
    if any(word not in PRECISIONS for word in chosen) or len(set(chosen)) < len(chosen):
        raise argparse.ArgumentTypeError(f"not a list of precisions ({text}). Give some of {', '.join(PRECISIONS)}, separated by commas.")
    return chosen


def counts(text):
    """1,2"""
    chosen = text.split(",")
    if any(not word.isdecimal() or int(word) < 1 for word in chosen) or len(set(map(int, chosen))) < len(chosen):
        raise argparse.ArgumentTypeError(f"not a list of numbers of processes ({text}). Give numbers from 1, separated by commas.")
    return sorted(map(int, chosen))


def variable(text):
    """NAME=VALUE"""
    if "=" not in text[1:]:
        raise argparse.ArgumentTypeError(f"not a variable ({text}). Give NAME=VALUE.")
    return tuple(text.split("=", 1))


def changes(text):
    """fuse=norm,decoder memory_format=contiguous"""
    found = {}
    for word in text.split():
        name, sign, value = word.partition("=")
        if name not in CHANGES or not sign or not value or name in found:
            raise argparse.ArgumentTypeError(f"not settings of Convoy ({text}). Give NAME=VALUE with {', '.join(CHANGES)}, separated by spaces.")
        if name == "memory_format" and value not in ("auto", "contiguous", "channels_last"):
            raise argparse.ArgumentTypeError(f"no such memory format ({value}). Give auto, contiguous or channels_last.")
        if name == "sync_bn" and value not in ("true", "false"):
            raise argparse.ArgumentTypeError(f"not true or false (sync_bn={value}). Give one of them.")
        found[name] = value == "true" if name == "sync_bn" else value
    if not found:
        raise argparse.ArgumentTypeError(f"no settings ({text!r}). Give NAME=VALUE with {', '.join(CHANGES)}.")
    return found


def arguments(words=None):
    """Reads and checks the command line."""
    words = sys.argv[1:] if words is None else words
    parser = argparse.ArgumentParser(description=ABOUT, formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument("--report", action="store_true", help="print a whole report in Markdown; where nothing else is said, with --precision fp32,bf16 --processes 1,2 --pairs --steps 8 --warmup 2 --repeats 4 --with-sync-bn")
    parser.add_argument("--pairs", action="store_true", help="set two runs beside each other at the same time, a core a thread, cores swapped in the second half of a round, where the machine has the cores for both; else by turns, two at a time. PyTorch runs in its better memory format")
    parser.add_argument("--against", type=changes, action="append", default=[], metavar="SETTINGS", help=f"set Convoy beside Convoy with these in place of its own, such as 'fuse=none memory_format=contiguous' (of {', '.join(CHANGES)}), and leave PyTorch out; may be repeated")
    parser.add_argument("--network", choices=("lane", "smooth"), default="lane", help="the lane detector, or a small network without ReLU and max-pool")
    parser.add_argument("--encoder", choices=("resnet18", "resnet34"), default="resnet18", help="of the lane detector")
    parser.add_argument("--data", default="synthetic", metavar="DIR", help="frames in TuSimple's layout, or synthetic to draw some")
    parser.add_argument("--image-size", default="800x360", metavar="WxH", help="what the network sees")
    parser.add_argument("--batch-size", type=int, default=8, help="images of one step over all processes")
    parser.add_argument("--batches", type=int, help="different batches, which the steps take in turn (default: one a step)")
    parser.add_argument("--steps", type=int, default=10, help="forward and backward passes")
    parser.add_argument("--processes", type=counts, default=[2], metavar="N,...", help="ranks of each side")
    parser.add_argument("--threads", type=int, default=1, help="threads of each rank")
    parser.add_argument("--precision", type=names, default=["fp32"], metavar="P,...", help=f"of {', '.join(PRECISIONS)}; bf16 is autocast")
    parser.add_argument("--memory-format", choices=("best", "contiguous", "channels_last"), help="best: Convoy in the one that convoy train takes here, PyTorch in both, of which the faster counts (default: best; contiguous with --loss-only)")
    parser.add_argument("--fuse", default="auto", help="what Convoy runs by its own kernels, as convoy train --fuse takes it: auto, fixed, none, names separated by commas, or a file of kernels")
    parser.add_argument("--sync-bn", action="store_true", help="batch norm over all ranks (PyTorch's side is hand-written and slow: for losses only)")
    parser.add_argument("--with-sync-bn", action="store_true", help="run Convoy with batch norm over all ranks, too")
    parser.add_argument("--lr", type=float, default=0.001, help="the highest learning rate; Convoy's default is 0.0005 a process")
    parser.add_argument("--weight-decay", type=float, default=0.0001)
    parser.add_argument("--accumulate", type=int, default=2, help="steps whose gradients are averaged into one update")
    parser.add_argument("--clip", type=float, default=0.5, help="the largest norm of all gradients together, 0 for no clipping")
    parser.add_argument("--seed", type=int, default=0, help="of weights and drawn frames")
    parser.add_argument("--repeats", type=int, default=1, help="rounds, in each of which every configuration or pair runs once")
    parser.add_argument("--warmup", type=int, default=4, help="steps at the start of each run that the speed leaves out; a multiple of --accumulate")
    parser.add_argument("--settle", type=float, metavar="S", help=f"seconds at the start of each run that the speed leaves out, at least, by further steps: .NET compiles what runs often on the cores that train (default: {SETTLE:.0f}; 0 with --loss-only, --dump and --reference)")
    parser.add_argument("--loss-only", action="store_true", help="print only the losses: for parity, also on a busy machine")
    parser.add_argument("--tolerance", type=float, metavar="T", help="exit code 1 when a step's losses differ by more than T, relatively")
    parser.add_argument("--reference", action="store_true", help="also train PyTorch in fp64, and print how far rounding alone takes each side from it")
    parser.add_argument("--dump", action="store_true", help="also compare the first update's gradients and the last weights")
    parser.add_argument("--python", action="append", metavar="FILE", help="a Python that has torch, 1.13 or later; may be repeated (default: /usr/bin/python3)")
    parser.add_argument("--compile", action="store_true", help="run PyTorch with torch.compile (Inductor), too; needs PyTorch 2")
    parser.add_argument("--peer-env", type=variable, action="append", default=[], metavar="NAME=VALUE", help="a variable for PyTorch's ranks, such as an allocator's setting; may be repeated")
    parser.add_argument("--no-build", action="store_true", help="take Convoy as it was built last")
    parser.add_argument("--folder", metavar="DIR", help="where weights, batches and dumps stay (default: a temporary folder, removed at the end)")
    if "--report" in words:
        parser.set_defaults(**REPORT)
    options = parser.parse_args(words)
    check(parser, options)
    options.memory_format = options.memory_format or ("contiguous" if options.loss_only else "best")
    options.batches = options.batches or options.steps
    exact = options.loss_only or options.dump or options.reference
    options.settle = (0.0 if exact else SETTLE) if options.settle is None else options.settle
    options.warmup = 0 if options.loss_only else options.warmup
    options.python = list(dict.fromkeys(options.python or ["/usr/bin/python3"]))
    options.peers = []
    return options


def check(parser, options):
    """Refuses what does not go together."""
    for number in ("batch_size", "steps", "threads", "accumulate", "repeats"):
        if getattr(options, number) < 1:
            parser.error(f"--{number.replace('_', '-')} is too small ({getattr(options, number)}). Give 1 or more.")
    for processes in options.processes:
        if options.batch_size % processes:
            parser.error(f"the batch cannot be shared out equally ({options.batch_size} over {processes} processes). Give a multiple.")
    if options.encoder != "resnet18" and options.network != "lane":
        parser.error(f"the small network has no encoder (--network {options.network} --encoder {options.encoder}). Leave one out.")
    if not options.loss_only and (options.warmup < 0 or options.warmup % options.accumulate):
        parser.error(f"--warmup ends inside an update ({options.warmup} steps of {options.accumulate} an update). Give a multiple of --accumulate.")
    if not options.loss_only and options.warmup + options.accumulate > options.steps:
        parser.error(f"--warmup leaves no update to measure ({options.warmup} of {options.steps} steps). Give fewer, more --steps, or --loss-only.")
    if options.settle is not None and (options.settle < 0 or options.settle and (options.loss_only or options.dump or options.reference)):
        parser.error(f"--settle takes further steps, and losses and weights are compared after the same number ({options.settle}). Give 0 or more, and 0 with --loss-only, --dump and --reference.")
    if options.report and options.loss_only:
        parser.error("a report is of losses and speed (--report --loss-only). Give one of them.")
    if options.loss_only and options.memory_format == "best":
        parser.error("which format is the best is not known without speeds (--loss-only --memory-format best). Give contiguous or channels_last.")
    if options.dump and (len(options.precision) > 1 or len(options.processes) > 1 or options.with_sync_bn):
        parser.error("--dump compares one run of each side. Give one precision and one number of processes, without --with-sync-bn.")
    if options.reference and len(options.precision) > 1:
        parser.error(f"--reference is for one precision ({','.join(options.precision)}). Give one.")
    if (options.dump or options.reference or options.loss_only or options.against) and (options.compile or len(options.python or []) > 1):
        parser.error("--dump, --reference, --loss-only and --against go with one eager PyTorch at most. Leave --compile out and give --python once.")
    if options.pairs and (options.dump or options.reference or options.loss_only):
        parser.error("pairs are of speeds (--pairs with --dump, --reference or --loss-only). Give one of them.")
    if options.pairs and options.steps % options.accumulate:
        parser.error(f"a run of a pair goes on after its steps, in whole updates ({options.steps} steps of {options.accumulate} an update). Give --steps a multiple of --accumulate.")
    if options.against and (options.dump or options.reference or options.loss_only):
        parser.error("Convoy is set beside Convoy for its speed (--against with --dump, --reference or --loss-only). Give one of them.")
