"""PyTorch's side of the comparison: python3 train.py FOLDER.

Reads the folder's settings.json, weights and batches, trains on its number of processes with DistributedDataParallel over
Gloo, and prints a JSON line a step and one with the ranks' peak memory. What a step does is what Convoy's Trainer does.
The ranks are copies of this program: torchrun of PyTorch 1.13.1 fails on Debian 12's Python 3.11."""

import contextlib
import json
import math
import os
import subprocess
import sys
import tempfile
import time

import torch
from torch import distributed
from torch.nn.parallel import DistributedDataParallel

import safetensors_file
import sync_batch_norm
from lane_loss import lane_loss
from lane_network import LaneNetwork
from smooth_network import SmoothNetwork

NETWORKS = {"lane": LaneNetwork, "smooth": SmoothNetwork}


class Rank:
    """The model, and what it takes to train it."""

    def __init__(self, folder, settings):
        self.folder, self.settings = folder, settings
        self.dtype = torch.float64 if settings["precision"] == "fp64" else torch.float32
        self.format = torch.channels_last if settings["memory_format"] == "channels_last" else torch.contiguous_format
        self.network = NETWORKS[settings["network"]]()
        self.network.load_state_dict(safetensors_file.read(os.path.join(folder, "weights.safetensors")))
        self.network.to(dtype=self.dtype, memory_format=self.format)
        if settings["sync_bn"]:
            sync_batch_norm.convert(self.network)
        self.network.train()
        # Gradients in the buckets save PyTorch a copy and the memory for it; Convoy has them there too.
        self.model = DistributedDataParallel(self.network, broadcast_buffers=False, gradient_as_bucket_view=True)
        self.optimizer = torch.optim.AdamW(self.model.parameters(), lr=settings["lr"], weight_decay=settings["weight_decay"])

    def take_step(self, step, images, masks):
        """Forward, backward, and an update where one is due."""
        settings = self.settings
        update = step % settings["accumulate"] == 0 or step == settings["steps"]
        with contextlib.nullcontext() if update else self.model.no_sync():
            with torch.autocast("cpu", torch.bfloat16, enabled=settings["precision"] == "bf16"):
                logits = self.model(images)
            loss = lane_loss(logits, masks)
            (loss / settings["accumulate"]).backward()
        if update:
            self._update(step)
        return loss

    def load(self, step):
        """This rank's part of the step's batch."""
        batch = safetensors_file.read(os.path.join(self.folder, f"batch-{(step - 1) % self.settings['batches']}.safetensors"))
        size = self.settings["batch_size"] // self.settings["processes"]
        first = distributed.get_rank() * size
        images = batch["images"].narrow(0, first, size).to(self.dtype).contiguous(memory_format=self.format)
        return images, batch["masks"].narrow(0, first, size).long()

    def _update(self, step):
        settings = self.settings
        if settings["dump"] and distributed.get_rank() == 0 and step <= settings["accumulate"]:
            gradients = {name: parameter.grad for name, parameter in self.network.named_parameters()}
            safetensors_file.write(os.path.join(self.folder, "pytorch-gradients.safetensors"), gradients)
        if settings["clip"] > 0:
            torch.nn.utils.clip_grad_norm_(self.model.parameters(), settings["clip"])
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate(settings, (step - 1) // settings["accumulate"])
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)


def learning_rate(settings, update):
    """Of an update, counted from 0: a linear warm-up over a twentieth of the updates, then half a cosine down to 0."""
    updates = -(-settings["steps"] // settings["accumulate"])
    warmup = min(500, updates // 20)
    if update < warmup:
        return settings["lr"] * (update + 1) / warmup
    progress = 1 if updates == warmup else min(1, (update - warmup) / (updates - warmup))
    return settings["lr"] * 0.5 * (1 + math.cos(math.pi * progress))


def peak_bytes():
    """The most memory that was resident at once in this process; getrusage would count the parent's before exec."""
    with open("/proc/self/status", encoding="ascii") as status:
        return next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM:"))


def say(**line):
    """Prints one JSON line, on rank 0."""
    if distributed.get_rank() == 0:
        print(json.dumps(line), flush=True)


def start_ranks(folder, processes):
    """Runs this program once a rank, and ends all when one fails. Returns the exit code."""
    with tempfile.TemporaryDirectory(prefix="convoy-peers-") as meeting:
        environment = os.environ | {"WORLD_SIZE": str(processes), "PEERS_MEETING": os.path.join(meeting, "store")}
        ranks = [subprocess.Popen([sys.executable, __file__, folder], env=environment | {"RANK": str(rank)}) for rank in range(processes)]
        try:
            while any(rank.poll() is None for rank in ranks) and not any(rank.poll() for rank in ranks):
                time.sleep(0.05)
            return next((rank.returncode for rank in ranks if rank.poll()), 0)
        finally:
            for rank in ranks:
                rank.kill()
                rank.wait()


def run_rank(folder, settings):
    """Trains as the rank that the environment names."""
    torch.set_num_threads(settings["threads"])
    distributed.init_process_group(
        "gloo", init_method=f"file://{os.environ['PEERS_MEETING']}", rank=int(os.environ["RANK"]), world_size=int(os.environ["WORLD_SIZE"]))
    rank = Rank(folder, settings)
    for step in range(1, settings["steps"] + 1):
        images, masks = rank.load(step)
        distributed.barrier()
        start = time.perf_counter()
        loss = rank.take_step(step, images, masks)
        seconds = time.perf_counter() - start
        mean = loss.detach().double()
        distributed.all_reduce(mean)
        say(step=step, loss=mean.item() / settings["processes"], step_seconds=seconds)
    if settings["dump"] and distributed.get_rank() == 0:
        safetensors_file.write(os.path.join(folder, "pytorch-weights.safetensors"), rank.network.state_dict())
    peak = torch.tensor(peak_bytes())
    distributed.all_reduce(peak, distributed.ReduceOp.MAX)
    say(peak_bytes=peak.item())
    distributed.destroy_process_group()


def main(folder):
    with open(os.path.join(folder, "settings.json"), encoding="utf-8") as file:
        settings = json.load(file)
    if "RANK" not in os.environ:
        return start_ranks(folder, settings["processes"])
    run_rank(folder, settings)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
