using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Convoy.Lanes.Models;

/// <summary>Convolutions as torchvision's ResNet makes them: no bias where batch norm follows, Kaiming normal initialisation over the fan-out.</summary>
internal static class Layers
{
    /// <summary>3x3, padding 1, no bias.</summary>
    public static Module<Tensor, Tensor> Conv3x3(long inChannels, long outChannels, long stride = 1) =>
        Kaiming(Conv2d(inChannels, outChannels, 3, stride, padding: 1, bias: false));

    /// <summary>1x1, no bias.</summary>
    public static Module<Tensor, Tensor> Conv1x1(long inChannels, long outChannels, long stride = 1) =>
        Kaiming(Conv2d(inChannels, outChannels, 1, stride, bias: false));

    /// <summary>7x7, stride 2, padding 3, no bias: ResNet's first layer.</summary>
    public static Module<Tensor, Tensor> Stem(long inChannels, long outChannels) =>
        Kaiming(Conv2d(inChannels, outChannels, 7, stride: 2, padding: 3, bias: false));

    private static Module<Tensor, Tensor> Kaiming(TorchSharp.Modules.Conv2d convolution)
    {
        init.kaiming_normal_(convolution.weight, mode: init.FanInOut.FanOut, nonlinearity: init.NonlinearityType.ReLU);
        return convolution;
    }
}
