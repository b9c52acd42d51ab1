"""All-reduce (sum, fp32) with PyTorch's Gloo backend: python3 gloo.py PROCESSES SECONDS BYTES...

Prints one line a size: bytes, then the median time of one call on rank 0 in seconds. Calls follow one another on the same
tensor of zeros; the warm-up is left out.
"""

import os
import statistics
import sys
import time

import torch
import torch.distributed as dist
import torch.multiprocessing as multiprocessing

WARM_UP_SECONDS = 0.3
WARM_UP_CALLS = 5
MOST_CALLS = 200_000


def agree(value):
    """All ranks take rank 0's number."""
    number = torch.tensor([value], dtype=torch.int64)
    dist.broadcast(number, 0)
    return int(number.item())


def measure(size, rank, processes, seconds):
    tensor = torch.full((size // 4,), float(rank + 1))
    dist.all_reduce(tensor)
    assert bool((tensor == processes * (processes + 1) / 2).all()), "wrong sum"
    tensor.zero_()

    start = time.perf_counter()
    calls = 0
    going = 1
    while going:
        for _ in range(WARM_UP_CALLS):
            dist.all_reduce(tensor)
        calls += WARM_UP_CALLS
        going = agree(time.perf_counter() - start < WARM_UP_SECONDS)
    each = (time.perf_counter() - start) / calls
    count = agree(max(WARM_UP_CALLS, min(MOST_CALLS, int(seconds / each))))

    times = []
    dist.barrier()
    last = time.perf_counter()
    for _ in range(count):
        dist.all_reduce(tensor)
        now = time.perf_counter()
        times.append(now - last)
        last = now
    return statistics.median(times)


def run(rank, processes, folder, seconds, sizes):
    torch.set_num_threads(1)
    dist.init_process_group("gloo", init_method=f"file://{folder}/store", rank=rank, world_size=processes)
    for size in sizes:
        median = measure(size, rank, processes, seconds)
        if rank == 0:
            print(size, median, flush=True)
    dist.destroy_process_group()


if __name__ == "__main__":
    import tempfile

    os.environ.setdefault("GLOO_SOCKET_IFNAME", "lo")
    with tempfile.TemporaryDirectory() as folder:
        multiprocessing.spawn(run, args=(int(sys.argv[1]), folder, float(sys.argv[2]), [int(s) for s in sys.argv[3:]]), nprocs=int(sys.argv[1]))
