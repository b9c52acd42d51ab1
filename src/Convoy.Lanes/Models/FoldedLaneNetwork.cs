using Convoy.Torch.Nn;
using static TorchSharp.torch.nn;
using static TorchSharp.torch;

namespace Convoy.Lanes.Models;

/// <summary>
/// <see cref="LaneDetectionModel"/> for evaluation: the same network without batch norm, which is folded into the convolutions.
/// [N, 3, H, W] ImageNet-normalised images to [N, 2, H, W] logits, equal to the model's in evaluation mode to rounding.
/// </summary>
/// <remarks>
/// It holds weights of its own, so that the model, its names and its files stay as they are. It is not an <c>nn.Module</c>: there is
/// nothing in it to train.
/// </remarks>
public sealed class FoldedLaneNetwork : IDisposable
{
    private readonly FoldedLayout _layout;
    private readonly FoldedConvolution _stem;
    private readonly FoldedBlock[][] _stages;
    private readonly FoldedConvolution _attention;
    private readonly FoldedConvolution _attentionRows;
    private readonly FoldedConvolution _attentionColumns;
    private readonly FoldedConvolution _bridge;
    private readonly FoldedConvolution[] _up;
    private readonly FoldedConvolution _head;

    /// <summary>Folds a model's present weights and running statistics.</summary>
    /// <param name="model">The model, float32 or float64; stays the caller's and is not changed.</param>
    /// <param name="channelsLast">Whether weights and features lie with their channels innermost; give images in the same order.</param>
    /// <param name="dtype">The type of weights and features: float32 (default), float64, or bfloat16, which is faster where the processor has instructions for it.</param>
    /// <exception cref="ArgumentException">Another type.</exception>
    public FoldedLaneNetwork(LaneDetectionModel model, bool channelsLast, ScalarType dtype = ScalarType.Float32)
    {
        ArgumentNullException.ThrowIfNull(model);
        if (dtype is not (ScalarType.Float32 or ScalarType.Float64 or ScalarType.BFloat16))
        {
            throw new ArgumentException($"a folded network can't be {dtype}. Give Float32, Float64 or BFloat16.", nameof(dtype));
        }

        _layout = new FoldedLayout(dtype, channelsLast);
        Dictionary<string, Tensor> state = model.state_dict();
        _stem = Folded("conv1", "bn1", stride: 2);
        _stages = [.. Enumerable.Range(1, 4).Select(stage => Blocks(state, stage, _layout))];
        _attention = Folded("attention.conv1", "attention.bn1");
        _attentionRows = Folded("attention.conv_h", norm: null);
        _attentionColumns = Folded("attention.conv_w", norm: null);
        _bridge = Folded("bridge", norm: null);
        _up = [Folded("up16.conv", "up16.bn"), Folded("up8.conv", "up8.bn"), Folded("up4.conv", "up4.bn")];
        _head = Folded("head", norm: null);

        FoldedConvolution Folded(string convolution, string? norm, long stride = 1) => new(state, convolution, norm, stride, _layout);
    }

    /// <summary>The logits of images.</summary>
    /// <param name="images">[N, 3, H, W], of any floating-point type.</param>
    /// <returns>[N, 2, H, W]; float64 for a float64 network, otherwise float32. The caller's.</returns>
    public Tensor Call(Tensor images)
    {
        using var scope = NewDisposeScope();
        using IDisposable noGrad = inference_mode();
        Tensor stem = _stem.Call(images.to(_layout.Dtype)).relu_();
        Tensor stride4 = Through(_stages[0], functional.max_pool2d(stem, 3, stride: 2, padding: 1));
        Tensor stride8 = Through(_stages[1], stride4);
        Tensor stride16 = Through(_stages[2], stride8);
        Tensor features = _bridge.Call(Attend(Through(_stages[3], stride16)));
        foreach ((FoldedConvolution up, Tensor skip) in _up.Zip([stride16, stride8, stride4]))
        {
            features = up.Call(cat([Larger(features, skip.shape), skip], 1)).relu_();
        }

        Tensor logits = _head.Call(features);
        return Larger(logits.dtype == ScalarType.BFloat16 ? logits.to(ScalarType.Float32) : logits, images.shape).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (IDisposable part in new IDisposable[] { _stem, _attention, _attentionRows, _attentionColumns, _bridge, _head }.Concat(_up).Concat(_stages.SelectMany(blocks => blocks)))
        {
            part.Dispose();
        }
    }

    private static FoldedBlock[] Blocks(Dictionary<string, Tensor> state, int stage, FoldedLayout layout)
    {
        int count = Enumerable.Range(0, state.Count).TakeWhile(block => state.ContainsKey($"layer{stage}.{block}.conv1.weight")).Count();
        return [.. Enumerable.Range(0, count).Select(block => new FoldedBlock(state, $"layer{stage}.{block}", stage > 1 && block == 0 ? 2 : 1, layout))];
    }

    private static Tensor Through(FoldedBlock[] blocks, Tensor features) => blocks.Aggregate(features, (before, block) => block.Call(before));

    private static Tensor Larger(Tensor features, long[] shape) =>
        functional.interpolate(features, [shape[2], shape[3]], mode: InterpolationMode.Bilinear, align_corners: false);

    // CoordinateAttention's forward pass.
    private Tensor Attend(Tensor features)
    {
        long height = features.shape[2], width = features.shape[3];
        Tensor means = cat([features.mean([3], keepdim: true), features.mean([2], keepdim: true).transpose(2, 3)], 2);
        Tensor shared = functional.hardswish(_attention.Call(means));
        Tensor rows = _attentionRows.Call(shared.narrow(2, 0, height)).sigmoid_();
        Tensor columns = _attentionColumns.Call(shared.narrow(2, height, width).transpose(2, 3)).sigmoid_();
        return features * rows * columns;
    }
}
