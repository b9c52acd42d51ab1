"""PyTorch's side of the comparison: python3 train.py FOLDER SETTINGS.

Reads the file of settings and the folder's weights and batches, trains on its number of processes with DistributedDataParallel over
Gloo, and prints a JSON line a step and one with the ranks' peak memory. What a step does is what Convoy's Trainer does.
The ranks are copies of this program: torchrun of PyTorch 1.13.1 fails on Debian 12's Python 3.11. Runs with PyTorch 1.13 and later."""

import contextlib
import json
import math
import os
import signal
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
from meeting import Meeting
from smooth_network import SmoothNetwork


def make_network(settings):
    return LaneNetwork(settings["encoder"]) if settings["network"] == "lane" else SmoothNetwork()


def compiled(network):
    """The network through torch.compile, inside of DistributedDataParallel, as PyTorch's documentation advises ("Where to apply torch.compile"). Parameters keep their names."""
    if hasattr(network, "compile"):  # since 2.2
        network.compile()
        return network
    return torch.compile(network)


def adamw(parameters, settings):
    """AdamW in one kernel where this PyTorch has that for CPUs (since 2.4): its best. Also tells whether it does."""
    chosen = {"lr": settings["lr"], "weight_decay": settings["weight_decay"]}
    try:
        return torch.optim.AdamW(parameters, **chosen, fused=True), True
    except (TypeError, RuntimeError):  # no such argument, or for GPUs only
        return torch.optim.AdamW(parameters, **chosen), False


class Rank:
    """The model, and what it takes to train it."""

    def __init__(self, folder, settings):
        self.folder, self.settings = folder, settings
        self.dtype = torch.float64 if settings["precision"] == "fp64" else torch.float32
        self.format = torch.channels_last if settings["memory_format"] == "channels_last" else torch.contiguous_format
        self.network = make_network(settings)
        self.network.load_state_dict(safetensors_file.read(os.path.join(folder, "weights.safetensors")))
        self.network.to(dtype=self.dtype, memory_format=self.format)
        if settings["sync_bn"]:
            sync_batch_norm.convert(self.network)
        self.network.train()
        # Gradients in the buckets save PyTorch a copy and the memory for it; Convoy has them there too.
        inner = compiled(self.network) if settings["compile"] else self.network
        self.model = DistributedDataParallel(inner, broadcast_buffers=False, gradient_as_bucket_view=True)
        self.optimizer, self.has_fused_optimizer = adamw(list(self.model.parameters()), settings)

    def compile(self, images, masks):
        """Takes a pass of each kind, with and without exchange, so that no later step compiles, and undoes what they changed. Returns the seconds."""
        buffers = [buffer.clone() for buffer in self.network.buffers()]
        start = time.perf_counter()
        for exchange in (False, True):
            self._pass(images, masks, exchange)
        seconds = time.perf_counter() - start
        with torch.no_grad():
            for buffer, before in zip(self.network.buffers(), buffers):
                buffer.copy_(before)
        self.optimizer.zero_grad(set_to_none=True)
        return seconds

    def take_step(self, step, images, masks):
        """Forward, backward, and an update where one is due."""
        settings = self.settings
        update = step % settings["accumulate"] == 0 or step == settings["steps"]
        loss = self._pass(images, masks, update)
        if update:
            self._update(step)
        return loss

    def _pass(self, images, masks, exchange):
        settings = self.settings
        with contextlib.nullcontext() if exchange else self.model.no_sync():
            with torch.autocast("cpu", torch.bfloat16, enabled=settings["precision"] == "bf16"):
                logits = self.model(images)
            loss = lane_loss(logits, masks)
            (loss / settings["accumulate"]).backward()
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


def start_ranks(folder, settings_file, processes):
    """Runs this program once a rank, and ends all when one fails. Returns the exit code."""
    with tempfile.TemporaryDirectory(prefix="convoy-peers-") as meeting:
        environment = os.environ | {"WORLD_SIZE": str(processes), "PEERS_MEETING": os.path.join(meeting, "store")}
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that the ranks are ended, too
        ranks = [subprocess.Popen([sys.executable, __file__, folder, settings_file], env=environment | {"RANK": str(rank)}) for rank in range(processes)]
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
    last = {}
    if settings["compile"]:
        last["compile_seconds"] = rank.compile(*rank.load(1))
    meeting = Meeting(settings, distributed)
    number = 0
    while meeting.goes_on(number):
        counted = meeting.counts(number)
        # Steps beyond those of the settings, which warm up or keep the other run of a pair company, go through the plan again.
        step = number % settings["steps"] + 1
        number += 1
        images, masks = rank.load(step)
        distributed.barrier()
        start = time.perf_counter()
        loss = rank.take_step(step, images, masks)
        seconds, end = time.perf_counter() - start, time.monotonic()
        mean = loss.detach().double()
        distributed.all_reduce(mean)
        say(step=number, loss=mean.item() / settings["processes"], step_seconds=seconds, end_time=end, counted=counted)
    if settings["dump"] and distributed.get_rank() == 0:
        safetensors_file.write(os.path.join(folder, "pytorch-weights.safetensors"), rank.network.state_dict())
    peak = torch.tensor(peak_bytes())
    distributed.all_reduce(peak, distributed.ReduceOp.MAX)
    say(peak_bytes=peak.item(), fused_optimizer=rank.has_fused_optimizer, **last)
    distributed.destroy_process_group()


def main(folder, settings_file):
    with open(settings_file, encoding="utf-8") as file:
        settings = json.load(file)
    if "RANK" not in os.environ:
        return start_ranks(folder, settings_file, settings["processes"])
    run_rank(folder, settings)
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:3]))
