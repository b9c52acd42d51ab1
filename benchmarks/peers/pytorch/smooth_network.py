"""A small network without kinks, as benchmarks/Convoy.PeerComparison/SmoothNetwork.cs."""

from torch import nn
from torch.nn import functional


class SmoothNetwork(nn.Module):
    """Convolutions, batch norm, softplus, tanh and bilinear up-sampling: [N, 3, H, W] images to [N, 2, H, W] logits."""

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 16, 3, stride=2, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(16)
        self.conv2 = nn.Conv2d(16, 32, 3, stride=2, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(32)
        self.conv3 = nn.Conv2d(32, 32, 3, padding=1, bias=False)
        self.bn3 = nn.BatchNorm2d(32)
        self.head = nn.Conv2d(32, 2, 1)

    def forward(self, images):
        stride2 = functional.softplus(self.bn1(self.conv1(images)))
        stride4 = self.bn2(self.conv2(stride2)).tanh()
        features = functional.softplus(self.bn3(self.conv3(stride4)))
        return functional.interpolate(self.head(features), images.shape[2:], mode="bilinear", align_corners=False)
