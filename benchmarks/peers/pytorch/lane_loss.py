"""Convoy's loss (src/Convoy.Lanes/Losses/LaneLoss.cs): weighted cross entropy plus the lane class's Dice loss, each a mean
over images of a value of one image, in fp32, or in fp64 when the logits are."""

import torch
from torch.nn import functional


def lane_loss(logits, masks, background_weight=0.4, lane_weight=1.0):
    """Logits [N, 2, H, W] and masks [N, H, W] (0 or 1) to a scalar."""
    dtype = torch.float64 if logits.dtype == torch.float64 else torch.float32
    truth = masks.to(dtype).flatten(1)
    difference = (logits[:, 1].to(dtype) - logits[:, 0].to(dtype)).flatten(1)

    weights = truth * (lane_weight - background_weight) + background_weight
    entropies = functional.softplus(difference * (1 - 2 * truth))
    cross_entropy = (weights * entropies).sum(1) / weights.sum(1)

    probability = difference.sigmoid()
    overlap = (probability * truth).sum(1)
    dice = 1 - (2 * overlap + 1) / (probability.sum(1) + truth.sum(1) + 1)
    return (cross_entropy + dice).mean()
