using System.Diagnostics;
using Convoy.Training.Checkpoints;
using Convoy.Lanes.Data;
using Convoy.Lanes.Models;
using Convoy.Lanes.PostProcessing;
using Convoy.Torch.Nn;
using TorchSharp;
using static TorchSharp.torch;

namespace Convoy.Lanes.Evaluation;

/// <summary>A trained network with its batch norm folded into its convolutions, and the step from its mask to lanes.</summary>
public sealed class LaneDetector : IDisposable
{
    private readonly LaneDetectionModel _network;
    private readonly ScalarType _dtype;
    private readonly LaneExtractor _extractor = new();

    /// <summary>Folds a copy of a network.</summary>
    /// <param name="network">The network, float32 or float64; stays the caller's, who may dispose of it.</param>
    /// <param name="size">The size of the images that it gets.</param>
    /// <param name="channelsLast">Whether images are to lie with their channels innermost.</param>
    /// <param name="dtype">The type of weights and features: float32 (default), float64, or bfloat16, which is faster where the processor has instructions for it.</param>
    /// <exception cref="ArgumentException">Another type.</exception>
    public LaneDetector(LaneDetectionModel network, ImageSize size, bool channelsLast, ScalarType dtype = ScalarType.Float32)
        : this(size, channelsLast, dtype, Copy(network))
    {
    }

    private LaneDetector(ImageSize size, bool channelsLast, ScalarType dtype, LaneDetectionModel own)
    {
        (Size, ChannelsLast, _dtype, _network) = (size, channelsLast, dtype, own);
        own.eval();

        // One image has few tiles, and libtorch's bfloat16 convolution is twice as fast as its float32 one.
        Fusion.Apply(own, dtype == ScalarType.Float32 ? FusedOperations.Convolution : FusedOperations.None);
        using Tensor example = randn([1, 3, 64, 64], own.parameters().First().dtype, generator: new Generator(0));
        BatchNormFolding.Fold(own, network => network.call(example), dtype);
        if (channelsLast)
        {
            ChannelsLastWeights.Apply(own);
        }
    }

    /// <summary>The network of a checkpoint, for images of the size that it was trained with.</summary>
    /// <param name="checkpoint">The checkpoint; its files are not changed.</param>
    /// <param name="channelsLast">Whether images have their channels innermost in memory.</param>
    /// <param name="dtype">The type of weights and features, float32 or bfloat16.</param>
    /// <exception cref="BadInputException">The checkpoint is of another model.</exception>
    public static LaneDetector Load(Checkpoint checkpoint, bool channelsLast, ScalarType dtype = ScalarType.Float32)
    {
        ArgumentNullException.ThrowIfNull(checkpoint);
        return new LaneDetector(checkpoint.ImageSize(), channelsLast, dtype, checkpoint.LoadModel());
    }

    /// <summary>The size of the network's input images.</summary>
    public ImageSize Size { get; }

    /// <summary>Whether images have their channels innermost in memory.</summary>
    public bool ChannelsLast { get; }

    /// <summary>The logits of one image.</summary>
    /// <param name="image">[1, 3, H, W], ImageNet-normalised, of <see cref="Size"/>.</param>
    /// <returns>[1, 2, H, W], float32, or float64 for a detector of that type; the caller's.</returns>
    public Tensor Logits(Tensor image)
    {
        ArgumentNullException.ThrowIfNull(image);
        using var scope = NewDisposeScope();
        using IDisposable noGradient = inference_mode();
        Tensor logits = _network.call(image.to(_dtype));
        return LaneDetectionModel.Enlarge(logits.dtype == ScalarType.BFloat16 ? logits.to(ScalarType.Float32) : logits, image.shape[2], image.shape[3]).MoveToOuterDisposeScope();
    }

    /// <summary>The mask of some logits: lane where its logit is the larger one.</summary>
    /// <param name="logits">[1, 2, H, W].</param>
    /// <returns>H x W bytes, row by row, 1 for lane.</returns>
    public static byte[] Mask(Tensor logits)
    {
        using var scope = NewDisposeScope();
        return logits.select(1, 1).gt(logits.select(1, 0)).to(ScalarType.Byte).contiguous().bytes.ToArray();
    }

    /// <summary>Finds the lanes of one image, and measures how long that takes.</summary>
    /// <param name="image">[1, 3, H, W], ImageNet-normalised, of <see cref="Size"/>.</param>
    /// <param name="original">The size of the picture that the image was made from.</param>
    /// <param name="hSamples">The rows of the original picture at which the lanes are read.</param>
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

    private static LaneDetectionModel Copy(LaneDetectionModel network)
    {
        ArgumentNullException.ThrowIfNull(network);
        return network.Copy();
    }
}

/// <summary>What a <see cref="LaneDetector"/> found in one image. Disposing it frees the logits.</summary>
/// <param name="Lanes">For each lane its x in pixels of the original picture at each of the rows, -2 where it has no point.</param>
/// <param name="Mask">The mask at the network's size, row by row, 1 for lane.</param>
/// <param name="Logits">[1, 2, H, W].</param>
/// <param name="RunTimeMilliseconds">The time from the image to the lanes.</param>
public sealed record DetectedLanes(IReadOnlyList<double[]> Lanes, byte[] Mask, Tensor Logits, double RunTimeMilliseconds) : IDisposable
{
    /// <inheritdoc/>
    public void Dispose() => Logits.Dispose();
}
