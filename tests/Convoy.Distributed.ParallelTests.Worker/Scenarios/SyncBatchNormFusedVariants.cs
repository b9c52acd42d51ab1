using Convoy.Distributed.Nn;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Convoy.Distributed.ParallelTests.Worker;

/// <summary>
/// Batch norm fused with what follows it (the argument is a <see cref="Follower"/>) on parts of a batch against libtorch's single operations in float64
/// on the whole, two training steps: outputs, gradients of input, residual, weight and bias, running statistics.
/// </summary>
internal static class SyncBatchNormFusedVariants
{
    /// <summary>What follows the batch norm.</summary>
    private enum Follower
    {
        Relu,
        AddRelu,
        ReluMaxPool,
    }

    /// <summary>How the images are shared out.</summary>
    private enum Share
    {
        Equal,
        RankPlusOne,
        NoneOnTheFirst,
        AllOnTheLast,
    }

    public static void Run(string[] args)
    {
        using ProcessGroup group = ProcessGroups.FromEnvironment(TimeSpan.FromSeconds(60));
        var plain = new Variant(Enum.Parse<Follower>(args[0]), ScalarType.Float64, 35, 7, 9);
        foreach (ScalarType type in (ScalarType[])[ScalarType.Float64, ScalarType.Float32, ScalarType.BFloat16])
        {
            Variant variant = plain with { Type = type };
            foreach (Share shares in Enum.GetValues<Share>())
            {
                Compare(group, variant with { Shares = shares });
            }

            // Channel counts that do and do not fit vectors, images smaller than a window.
            Compare(group, variant with { Channels = 64, Height = 6, Width = 8 });
            Compare(group, variant with { Channels = 3, Height = 1, Width = 5 });
            Compare(group, variant with { ChannelsLast = false });
            Compare(group, variant with { Affine = false });
            Compare(group, variant with { InputNeedsGradient = false });
        }
    }

    private static void Compare(ProcessGroup group, Variant variant)
    {
        using var scope = NewDisposeScope();
        long[] images = [.. Enumerable.Range(0, group.Size).Select(rank => variant.ImagesOf(rank, group.Size))];
        long total = images.Sum(), first = images.Take(group.Rank).Sum(), own = images[group.Rank];
        long[] shape = [total, variant.Channels, variant.Height, variant.Width];
        Tensor Own(Tensor whole) => whole.narrow(0, first, own);

        using BatchNorm reference = nn.BatchNorm2d(variant.Channels, affine: variant.Affine, dtype: float64);
        using var layer = new SyncBatchNorm(variant.Channels, group, affine: variant.Affine, dtype: variant.WeightType);
        using var generator = new Generator(7);
        if (variant.Affine)
        {
            // Weights on both sides of 0, for below it the greatest output is the smallest input.
            Tensor signs = (arange(variant.Channels) % 2).to(float64).mul(2).sub(1);
            Fill(reference, layer, "weight", ((rand([variant.Channels], float64, generator: generator) + 0.5) * signs).to(variant.WeightType));
            Fill(reference, layer, "bias", randn([variant.Channels], float64, generator: generator).to(variant.WeightType));
        }

        for (int step = 1; step <= 2; step++)
        {
            string what = $"{variant} step {step}: ";
            Tensor whole = InAnyType(shape, step, 2, generator), wholeResidual = InAnyType(shape, 1, 0, generator);
            Tensor expectedInput = variant.InMemory(whole).requires_grad_(), expectedResidual = variant.InMemory(wholeResidual).requires_grad_();
            Tensor normalized = reference.call(expectedInput);
            Tensor before = variant.Follower == Follower.AddRelu ? normalized + expectedResidual : normalized;
            Tensor expected = variant.Pooled(before.relu());

            // Next to ReLU's kink rounding decides whether an element has a gradient: these have none.
            Tensor direction = InAnyType(expected.shape, 1, 0, generator) * variant.Pooled(before.detach()).abs().gt(1e-4);
            expected.backward([direction]);

            Tensor input = variant.InMemory(Own(whole).to(variant.Type)).requires_grad_(variant.InputNeedsGradient);
            Tensor residual = variant.InMemory(Own(wholeResidual).to(variant.Type)).requires_grad_();
            Tensor output = variant.Follower switch
            {
                Follower.Relu => layer.NormalizeRelu(input),
                Follower.AddRelu => layer.NormalizeRelu(input, residual),
                _ => layer.NormalizeReluMaxPool(input),
            };
            if (output.requires_grad)
            {
                output.backward([Own(direction).to(variant.Type)]);
            }

            Near(expected, Own(expected), output, variant.Type, what + "output");
            Expect.True(!variant.ChannelsLast || own == 0 || Variant.Last(output).is_contiguous(), what + "the output is not channels-last");
            if (variant.InputNeedsGradient)
            {
                Near(expectedInput.grad!, Own(expectedInput.grad!), input.grad!, variant.Type, what + "input gradient");
            }

            if (variant.Follower == Follower.AddRelu)
            {
                Near(expectedResidual.grad!, Own(expectedResidual.grad!), residual.grad!, variant.Type, what + "residual gradient");
            }

            foreach (string name in variant.Affine ? (string[])["weight", "bias"] : [])
            {
                // The parts' gradients add up to the whole's.
                Tensor gradient = layer.get_parameter(name)!.grad!, wholeGradient = reference.get_parameter(name)!.grad!;
                Tensor sum = gradient.to(float64, copy: true);
                group.AllReduce(sum);
                Near(wholeGradient, wholeGradient, sum.to(gradient.dtype), variant.WeightType, what + name + " gradient");
                gradient.zero_();
                wholeGradient.zero_();
            }

            foreach (string name in (string[])["running_mean", "running_var"])
            {
                Near(reference.get_buffer(name)!, reference.get_buffer(name)!, layer.get_buffer(name)!, variant.WeightType, what + name);
            }
        }
    }

    // Multiples of 1/8, which every type holds exactly: all compute with the same numbers, and two elements of a window are equal or far apart.
    private static Tensor InAnyType(long[] shape, double deviation, double mean, Generator generator) =>
        ((randn(shape, float64, generator: generator) * deviation) + mean).mul(8).round().div(8);

    private static void Fill(nn.Module reference, nn.Module layer, string name, Tensor values)
    {
        using var noGradient = no_grad();
        reference.get_parameter(name)!.copy_(values);
        layer.get_parameter(name)!.copy_(values);
    }

    // The difference is relative to the largest element of all ranks' parts.
    private static void Near(Tensor whole, Tensor expected, Tensor actual, ScalarType type, string what)
    {
        Expect.True(actual.dtype == type, what + ": another type");
        Expect.True(expected.shape.SequenceEqual(actual.shape), what + ": another shape");
        if (expected.numel() > 0)
        {
            // Half of bfloat16's last place is up to 2^-8 of the value; what is rounded to it was computed in float32.
            double tolerance = type switch { ScalarType.Float64 => 1e-10, ScalarType.Float32 => 1e-5, _ => 1.01 / 256 };
            double largest = whole.abs().max().item<double>(), difference = (expected - actual.to(float64)).abs().max().item<double>();
            Expect.True(difference <= tolerance * largest, FormattableString.Invariant($"{what} differs by {difference} (values up to {largest})"));
        }
    }

    private sealed record Variant(
        Follower Follower, ScalarType Type, long Channels, long Height, long Width, Share Shares = Share.RankPlusOne, bool ChannelsLast = true, bool Affine = true,
        bool InputNeedsGradient = true)
    {
        // bfloat16 as autocast gives it.
        public ScalarType WeightType => Type == ScalarType.Float64 ? ScalarType.Float64 : ScalarType.Float32;

        public static Tensor Last(Tensor tensor) => tensor.permute(0, 2, 3, 1);

        public long ImagesOf(int rank, int size) => Shares switch
        {
            Share.Equal => 3,
            Share.RankPlusOne => rank + 1,
            Share.NoneOnTheFirst => rank == 0 ? 0 : 2,
            _ => rank == size - 1 ? 3 : 0,
        };

        /// <summary>A copy in the variant's order of memory.</summary>
        public Tensor InMemory(Tensor tensor) => (ChannelsLast ? Last(tensor).contiguous().permute(0, 3, 1, 2) : tensor.contiguous()).clone();

        /// <summary>The max-pool, where there is one.</summary>
        public Tensor Pooled(Tensor tensor) => Follower == Follower.ReluMaxPool ? nn.functional.max_pool2d(tensor, 3, 2, 1) : tensor;
    }
}
