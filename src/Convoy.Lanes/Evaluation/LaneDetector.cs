using System.Diagnostics;
using Convoy.Lanes.Data;
using Convoy.Lanes.Models;
using Convoy.Lanes.PostProcessing;
using TorchSharp;
using static TorchSharp.torch;

namespace Convoy.Lanes.Evaluation;

/// <summary>A trained network with the step from its mask to lanes.</summary>
/// <remarks>Disposing of it disposes of the network.</remarks>
public sealed class LaneDetector : IDisposable
{
    private readonly LaneDetectionModel _network;
    private readonly LaneExtractor _extractor = new();

    /// <summary>Takes over a network and puts it into evaluation mode.</summary>
    /// <param name="network">The network.</param>
    /// <param name="size">The size of the images that it gets.</param>
    /// <param name="channelsLast">Whether images are to lie with their channels innermost.</param>
    public LaneDetector(LaneDetectionModel network, ImageSize size, bool channelsLast)
    {
        _network = network;
        Size = size;
        ChannelsLast = channelsLast;
        network.eval();
    }

    /// <summary>The size of the images that the network gets.</summary>
    public ImageSize Size { get; }

    /// <summary>Whether images are to lie with their channels innermost.</summary>
    public bool ChannelsLast { get; }

    /// <summary>The logits of one image.</summary>
    /// <param name="image">[1, 3, H, W], ImageNet-normalised, of <see cref="Size"/>.</param>
    /// <returns>[1, 2, H, W]; the caller's.</returns>
    public Tensor Logits(Tensor image)
    {
        using IDisposable noGrad = inference_mode();
        return _network.call(image);
    }

    /// <summary>The mask that logits mean: lane where its logit is the larger.</summary>
    /// <param name="logits">[1, 2, H, W].</param>
    /// <returns>H x W bytes, row by row, 1 for lane.</returns>
    public static byte[] Mask(Tensor logits)
    {
        using var scope = NewDisposeScope();
        return logits.select(1, 1).gt(logits.select(1, 0)).to(ScalarType.Byte).contiguous().bytes.ToArray();
    }

    /// <summary>Finds the lanes of one image and measures how long that takes.</summary>
    /// <param name="image">[1, 3, H, W], ImageNet-normalised, of <see cref="Size"/>.</param>
    /// <param name="original">The size of the picture that the image was made from.</param>
    /// <param name="hSamples">The rows of the original picture to give the lanes at.</param>
    public DetectedLanes Detect(Tensor image, ImageSize original, double[] hSamples)
    {
        long start = Stopwatch.GetTimestamp();
        Tensor logits = Logits(image);
        byte[] mask = Mask(logits);
        IReadOnlyList<double[]> lanes = _extractor.Extract(mask, Size, original, hSamples);
        return new DetectedLanes(lanes, mask, logits, Stopwatch.GetElapsedTime(start).TotalMilliseconds);
    }

    /// <inheritdoc/>
    public void Dispose() => _network.Dispose();
}
