"""Convoy's lane detector in plain PyTorch, with the same names of parameters and buffers (src/Convoy.Lanes/Models)."""

import torch
from torch import nn
from torch.nn import functional


def conv3x3(in_channels, out_channels, stride=1):
    return nn.Conv2d(in_channels, out_channels, 3, stride, padding=1, bias=False)


def conv1x1(in_channels, out_channels, stride=1):
    return nn.Conv2d(in_channels, out_channels, 1, stride, bias=False)


class BasicBlock(nn.Module):
    """ResNet's two-convolution residual block."""

    def __init__(self, in_channels, out_channels, stride):
        super().__init__()
        self.conv1 = conv3x3(in_channels, out_channels, stride)
        self.bn1 = nn.BatchNorm2d(out_channels)
        self.conv2 = conv3x3(out_channels, out_channels)
        self.bn2 = nn.BatchNorm2d(out_channels)
        self.downsample = None
        if stride != 1 or in_channels != out_channels:
            self.downsample = nn.Sequential(conv1x1(in_channels, out_channels, stride), nn.BatchNorm2d(out_channels))

    def forward(self, images):
        residual = self.bn2(self.conv2(functional.relu(self.bn1(self.conv1(images)), inplace=True)))
        shortcut = images if self.downsample is None else self.downsample(images)
        return functional.relu(residual.add_(shortcut), inplace=True)


class CoordinateAttention(nn.Module):
    """Weighs each channel by where it responds along each axis (Hou, Zhou and Feng, 2021)."""

    def __init__(self, channels, reduction=32):
        super().__init__()
        hidden = max(8, channels // reduction)
        self.conv1 = conv1x1(channels, hidden)
        self.bn1 = nn.BatchNorm2d(hidden)
        self.conv_h = nn.Conv2d(hidden, channels, 1)
        self.conv_w = nn.Conv2d(hidden, channels, 1)

    def forward(self, images):
        height, width = images.shape[2:]
        along_height = images.mean(3, keepdim=True)
        along_width = images.mean(2, keepdim=True).transpose(2, 3)
        shared = functional.hardswish(self.bn1(self.conv1(torch.cat([along_height, along_width], 2))))
        rows = self.conv_h(shared.narrow(2, 0, height)).sigmoid_()
        columns = self.conv_w(shared.narrow(2, height, width).transpose(2, 3)).sigmoid_()
        return images * rows * columns


class DecoderStage(nn.Module):
    """One step up of the U-Net decoder."""

    def __init__(self, deep_channels, skip_channels, out_channels):
        super().__init__()
        self.conv = conv3x3(deep_channels + skip_channels, out_channels)
        self.bn = nn.BatchNorm2d(out_channels)

    def forward(self, deep, skip):
        larger = functional.interpolate(deep, skip.shape[2:], mode="bilinear", align_corners=False)
        return functional.relu(self.bn(self.conv(torch.cat([larger, skip], 1))), inplace=True)


class LaneNetwork(nn.Module):
    """ResNet-18 or ResNet-34 encoder, Coordinate Attention, light U-Net decoder: [N, 3, H, W] images to [N, 2, H, W] logits."""

    BLOCKS = {"resnet18": (2, 2, 2, 2), "resnet34": (3, 4, 6, 3)}

    def __init__(self, encoder="resnet18"):
        super().__init__()
        blocks = self.BLOCKS[encoder]
        self.conv1 = nn.Conv2d(3, 64, 7, stride=2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.maxpool = nn.MaxPool2d(3, stride=2, padding=1)
        self.layer1 = self._stage(64, 64, blocks[0], 1)
        self.layer2 = self._stage(64, 128, blocks[1], 2)
        self.layer3 = self._stage(128, 256, blocks[2], 2)
        self.layer4 = self._stage(256, 512, blocks[3], 2)
        self.attention = CoordinateAttention(512)
        self.bridge = conv1x1(512, 128)
        self.up16 = DecoderStage(128, 256, 128)
        self.up8 = DecoderStage(128, 128, 64)
        self.up4 = DecoderStage(64, 64, 64)
        self.head = nn.Conv2d(64, 2, 1)

    def forward(self, images):
        stride4 = self.layer1(self.maxpool(functional.relu(self.bn1(self.conv1(images)), inplace=True)))
        stride8 = self.layer2(stride4)
        stride16 = self.layer3(stride8)
        stride32 = self.bridge(self.attention(self.layer4(stride16)))
        features = self.up4(self.up8(self.up16(stride32, stride16), stride8), stride4)
        return functional.interpolate(self.head(features), images.shape[2:], mode="bilinear", align_corners=False)

    @staticmethod
    def _stage(in_channels, out_channels, blocks, stride):
        return nn.Sequential(BasicBlock(in_channels, out_channels, stride), *(BasicBlock(out_channels, out_channels, 1) for _ in range(1, blocks)))
