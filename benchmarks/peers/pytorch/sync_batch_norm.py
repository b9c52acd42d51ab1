"""Batch norm over the batches of all ranks on the CPU, for training only: PyTorch's SyncBatchNorm refuses CPU tensors.

Composed of operations that autograd knows, so that it is plainly right; nothing in it is made fast, and no speed is
measured with it. All ranks have batches of the same size."""

import torch
from torch import distributed, nn
from torch.distributed.nn.functional import all_reduce


class CpuSyncBatchNorm(nn.BatchNorm2d):
    """Takes the place of BatchNorm2d, under the same names."""

    def forward(self, images):
        ranks = distributed.get_world_size()
        # Means of equal parts; the variance in a second pass, as the sum of squares loses digits.
        mean = all_reduce(images.mean((0, 2, 3), keepdim=True)) / ranks
        centred = images - mean
        variance = all_reduce((centred * centred).mean((0, 2, 3), keepdim=True)) / ranks
        self._track(mean, variance, ranks * images.numel() // images.shape[1])
        normalised = centred * torch.rsqrt(variance + self.eps)
        return normalised * self.weight[:, None, None] + self.bias[:, None, None]

    @torch.no_grad()
    def _track(self, mean, variance, count):
        self.num_batches_tracked += 1
        self.running_mean.lerp_(mean.flatten(), self.momentum)
        self.running_var.lerp_(variance.flatten() * count / (count - 1), self.momentum)


def convert(module):
    """Replaces every BatchNorm2d inside the module; parameters and buffers stay the same tensors."""
    for name, child in module.named_children():
        if isinstance(child, nn.BatchNorm2d):
            replacement = CpuSyncBatchNorm(child.num_features, child.eps, child.momentum)
            replacement.weight, replacement.bias = child.weight, child.bias
            replacement.running_mean, replacement.running_var = child.running_mean, child.running_var
            replacement.num_batches_tracked = child.num_batches_tracked
            setattr(module, name, replacement)
        else:
            convert(child)
    return module
