using Convoy.Distributed.Nn;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Convoy.Distributed.ParallelTests.Worker;

/// <summary>
/// One layer on parts of a batch against libtorch's batch norm in float64 on the whole, two training steps: outputs, gradients of input, weight
/// and bias, running statistics; over element types, dimensions, memory formats, shares of the ranks and options.
/// </summary>
internal static class SyncBatchNormVariants
{
    /// <summary>How the images are shared out.</summary>
    private enum Share
    {
        Equal,
        RankPlusOne,
        NoneOnTheFirst,
        AllOnTheLast,
        NoneAtAll,
    }

    public static void Run(string[] args)
    {
        using ProcessGroup group = Groups.Join(args);
        var plain = new Variant(ScalarType.Float64, 16, [7, 5]);
        foreach (ScalarType type in (ScalarType[])[ScalarType.Float64, ScalarType.Float32, ScalarType.BFloat16, ScalarType.Float16])
        {
            foreach (long[] rest in (long[][])[[], [9], [7, 5], [3, 4, 5], [33, 40]])
            {
                // Channel counts that do and do not fit vectors.
                foreach (long channels in type == ScalarType.Float64 ? (long[])[1, 3, 16, 37] : [37])
                {
                    Variant variant = plain with { Type = type, Rest = rest, Channels = channels };
                    Compare(group, variant);
                    Compare(group, variant with { ChannelsLast = rest.Length > 0, Shares = Share.Equal });
                }
            }

            foreach (Share shares in Enum.GetValues<Share>())
            {
                Compare(group, plain with { Type = type, Shares = shares });
                Compare(group, plain with { Type = type, Shares = shares, ChannelsLast = true, Momentum = null });
                Compare(group, plain with { Type = type, Shares = shares, Rest = [] });
            }

            foreach (bool channelsLast in (bool[])[false, true])
            {
                Variant variant = plain with { Type = type, ChannelsLast = channelsLast };
                Compare(group, variant with { Momentum = null });
                Compare(group, variant with { Momentum = 1 });
                Compare(group, variant with { Affine = false });
                Compare(group, variant with { TracksStatistics = false });
                Compare(group, variant with { TracksStatistics = false, Affine = false, Momentum = null });
                Compare(group, variant with { Offset = 30, Loose = type != ScalarType.Float64 });
                Compare(group, variant with { Strided = true });
            }
        }

        Compare(group, plain with { Type = ScalarType.BFloat16, HalfWeights = true });
        Compare(group, plain with { Type = ScalarType.Float16, HalfWeights = true });
        CompareSideBySide(group);
    }

    private static void Compare(ProcessGroup group, Variant variant)
    {
        using var scope = NewDisposeScope();
        long[] images = [.. Enumerable.Range(0, group.Size).Select(rank => variant.ImagesOf(rank, group.Size))];
        long total = images.Sum(), first = images.Take(group.Rank).Sum(), own = images[group.Rank];
        if (total * variant.Rest.Aggregate(1L, (a, b) => a * b) == 1)
        {
            return; // One value a channel is an error, which has its own test.
        }

        ScalarType weightType = variant.IsHalf && !variant.HalfWeights ? ScalarType.Float32 : variant.Type;
        using BatchNorm reference = variant.MakeReference();
        using SyncBatchNorm layer = variant.MakeLayer(group, weightType);
        using var generator = new Generator(3);
        if (variant.Affine)
        {
            Fill(reference, layer, "weight", (rand([variant.Channels], float64, generator: generator) + 0.5).to(weightType));
            Fill(reference, layer, "bias", randn([variant.Channels], float64, generator: generator).to(weightType));
        }

        for (int step = 1; step <= 2; step++)
        {
            string what = $"{variant} step {step}: ";
            Tensor whole = ((randn([total, variant.Channels, .. variant.Rest], float64, generator: generator) * step) + variant.Offset).to(variant.Type);
            Tensor direction = randn(whole.shape, float64, generator: generator).to(variant.Type);

            reference.momentum = variant.Momentum ?? (1.0 / step); // TorchSharp's batch norm has no cumulative average of its own.
            Tensor expectedInput = whole.to(float64, copy: true).requires_grad_();
            Tensor expected = reference.call(expectedInput);
            (expected * direction).sum().backward();

            Tensor input = variant.InMemory(whole.narrow(0, first, own).clone()).requires_grad_();
            Tensor output = layer.call(input);
            (output * direction.narrow(0, first, own)).sum().backward();

            Expect.True(output.dtype == variant.Type && input.grad!.dtype == variant.Type, what + "the type changed");
            variant.Near(expected.narrow(0, first, own), output, what + "output");
            variant.Near(expectedInput.grad!.narrow(0, first, own), input.grad!, what + "input gradient");
            if (variant.ChannelsLast && variant.Rest.Length > 1 && !variant.Strided && own > 0)
            {
                Expect.True(variant.Last(output).is_contiguous() && variant.Last(input.grad!).is_contiguous(), what + "output or gradient are not channels-last");
            }

            foreach (string name in (string[])["weight", "bias"])
            {
                // The parts' gradients add up to the whole's.
                if (layer.get_parameter(name) is { } parameter)
                {
                    Expect.True(parameter.grad!.dtype == weightType, what + name + " gradient's type");
                    Tensor sum = parameter.grad!.to(ScalarType.Float64);
                    group.AllReduce(sum);
                    Tensor wholeGradient = reference.get_parameter(name)!.grad!;
                    // libtorch divides by the 0 images of an empty batch; the sum over nothing is 0.
                    variant.Near(total == 0 ? zeros_like(wholeGradient) : wholeGradient, sum, what + name + " gradient");
                    parameter.grad!.zero_();
                    reference.get_parameter(name)!.grad!.zero_();
                }
            }

            foreach (string name in (string[])["running_mean", "running_var", "num_batches_tracked"])
            {
                Tensor? buffer = layer.get_buffer(name);
                Expect.True(buffer is not null == variant.TracksStatistics, what + name);
                if (buffer is not null)
                {
                    variant.Near(reference.get_buffer(name)!, buffer, what + name);
                }
            }
        }

        reference.eval();
        layer.eval();
        Tensor last = variant.InMemory(randn([3, variant.Channels, .. variant.Rest], float64, generator: generator).to(variant.Type));
        variant.Near(reference.call(last.to(float64)), layer.call(last), $"{variant}: evaluated");
    }

    // Two layers that do not depend on each other, and one that depends on both: all ranks exchange them in the same order.
    private static void CompareSideBySide(ProcessGroup group)
    {
        using var scope = NewDisposeScope();
        manual_seed(5);
        using var expectedNetwork = new SideBySide();
        manual_seed(5);
        using var network = SyncBatchNorm.Convert(new SideBySide(), group);
        Tensor whole = randn([group.Size * 2, 3, 8, 6], float64);
        expectedNetwork.call(whole).square().sum().backward();
        network.call(whole.narrow(0, group.Rank * 2, 2)).square().sum().backward();
        foreach (((string name, Parameter expected), (_, Parameter parameter)) in expectedNetwork.named_parameters().Zip(network.named_parameters()))
        {
            group.AllReduce(parameter.grad!);
            Variant.Near(expected.grad!, parameter.grad!, 1e-10, "side by side: " + name);
        }
    }

    private static void Fill(nn.Module reference, nn.Module layer, string name, Tensor values)
    {
        using var noGradient = no_grad();
        reference.get_parameter(name)!.copy_(values);
        layer.get_parameter(name)!.copy_(values);
    }

    private sealed record Variant(
        ScalarType Type, long Channels, long[] Rest, bool ChannelsLast = false, Share Shares = Share.RankPlusOne, double? Momentum = 0.1, bool Affine = true,
        bool TracksStatistics = true, double Offset = 2, bool Strided = false, bool HalfWeights = false, bool Loose = false)
    {
        private const double Eps = 1e-4;

        public bool IsHalf => Type is ScalarType.BFloat16 or ScalarType.Float16;

        private double Tolerance => Type switch
        {
            ScalarType.Float64 => 1e-10,
            ScalarType.Float32 => Loose ? 1e-4 : 1e-5,
            ScalarType.Float16 => Loose ? 2e-2 : 4e-3,
            _ => Loose ? 1e-1 : 2e-2,
        };

        public static void Near(Tensor expected, Tensor actual, double tolerance, string what)
        {
            Expect.True(expected.shape.SequenceEqual(actual.shape), what + ": another shape");
            if (expected.numel() > 0)
            {
                double difference = (expected.to(ScalarType.Float64) - actual.to(ScalarType.Float64)).abs().max().item<double>();
                double scale = Math.Max(1, expected.to(ScalarType.Float64).abs().max().item<double>());
                Expect.True(difference <= tolerance * scale, FormattableString.Invariant($"{what} differs by {difference} (values up to {scale})"));
            }
        }

        public void Near(Tensor expected, Tensor actual, string what) => Near(expected, actual, Tolerance, what);

        public long ImagesOf(int rank, int size) => Shares switch
        {
            Share.Equal => 4,
            Share.RankPlusOne => rank + 1,
            Share.NoneOnTheFirst => rank == 0 ? 0 : 2,
            Share.AllOnTheLast => rank == size - 1 ? 3 : 0,
            _ => 0,
        };

        public BatchNorm MakeReference() => Rest.Length switch
        {
            0 or 1 => nn.BatchNorm1d(Channels, Eps, Momentum ?? 0, Affine, TracksStatistics, dtype: float64),
            2 => nn.BatchNorm2d(Channels, Eps, Momentum ?? 0, Affine, TracksStatistics, dtype: float64),
            _ => nn.BatchNorm3d(Channels, Eps, Momentum ?? 0, Affine, TracksStatistics, dtype: float64),
        };

        public SyncBatchNorm MakeLayer(ProcessGroup group, ScalarType type) => new(Channels, group, Eps, Momentum, Affine, TracksStatistics, type);

        public Tensor Last(Tensor tensor) => tensor.permute([0, .. Enumerable.Range(2, Rest.Length).Select(d => (long)d), 1]);

        public Tensor InMemory(Tensor tensor)
        {
            if (ChannelsLast)
            {
                tensor = Last(tensor).contiguous().permute([0, Rest.Length + 1, .. Enumerable.Range(1, Rest.Length).Select(d => (long)d)]);
            }

            return Strided ? stack([tensor, tensor], -1).select(-1, 0) : tensor;
        }

        public override string ToString() =>
            $"{Type} C {Channels} [{string.Join(", ", Rest)}] {Shares} channelsLast {ChannelsLast} momentum {Momentum} affine {Affine} statistics {TracksStatistics} offset {Offset} strided {Strided} halfWeights {HalfWeights}";
    }

    private sealed class SideBySide : nn.Module<Tensor, Tensor>
    {
        private readonly nn.Module<Tensor, Tensor> _left = nn.Sequential(nn.Conv2d(3, 8, 3, bias: false, dtype: float64), nn.BatchNorm2d(8, dtype: float64));
        private readonly nn.Module<Tensor, Tensor> _right = nn.Sequential(nn.Conv2d(3, 8, 3, bias: false, dtype: float64), nn.BatchNorm2d(8, dtype: float64));
        private readonly nn.Module<Tensor, Tensor> _last = nn.BatchNorm2d(8, dtype: float64);

        public SideBySide()
            : base(nameof(SideBySide)) => RegisterComponents();

        public override Tensor forward(Tensor input) => _last.call(nn.functional.relu(_left.call(input)) + _right.call(input).tanh()).sigmoid();
    }
}
