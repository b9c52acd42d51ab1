using Convoy.Torch.Convolution;
using Convoy.Torch.Interop;
using Convoy.Torch.Kernels;
using Convoy.Torch.Winograd;
using static TorchSharp.torch;

namespace Convoy.Torch.Tests.Convolution;

/// <summary>The kernel for each width of vectors, against float64 and against itself.</summary>
public sealed unsafe class WinogradKernelTests
{
    private static readonly Lanes[] Widths = [.. VectorWidths.Supported.Select(width => new Lanes(width))];

    /// <summary>Shapes with whole vectors of 512 bits and with half of one over, and edges that cut tiles.</summary>
    public static TheoryData<int, int, int, int, int> Shapes() => new()
    {
        { 2, 64, 64, 45, 50 }, { 3, 32, 48, 13, 11 }, { 2, 16, 32, 5, 3 }, { 1, 48, 16, 4, 97 }, { 2, 80, 112, 9, 10 }, { 1, 128, 160, 20, 22 },
    };

    [Theory]
    [MemberData(nameof(Shapes))]
    public void Convolve_EveryWidthAndBothTypes_EqualsTheSumInFloat64(int batch, int inChannels, int outChannels, int height, int width)
    {
        using var scope = NewDisposeScope();
        (Tensor input, Tensor weight, Tensor gradient) = Operands(batch, inChannels, outChannels, height, width);
        (Tensor expected, Tensor expectedInput, Tensor expectedWeight) = Plain(input.to(ScalarType.Float64), weight.to(ScalarType.Float64), gradient.to(ScalarType.Float64));

        Assert.NotEmpty(Widths);
        foreach (Lanes lanes in Widths)
        {
            TensorAssert.Close(expected, WinogradConvolution.Convolve(input, weight, width: lanes.Width), 5e-6);
            TensorAssert.Close(expectedInput, WinogradConvolution.InputGradient(gradient, weight, lanes.Width), 5e-6);
            TensorAssert.Close(expectedWeight, WinogradConvolution.WeightGradient(input, gradient, lanes.Width), 5e-6);

            // Operands are bfloat16's numbers, so that one rounding at the end is all that the type adds.
            (Tensor narrow, Tensor narrowGradient) = (input.to(ScalarType.BFloat16), gradient.to(ScalarType.BFloat16));
            TensorAssert.Identical(WinogradConvolution.Convolve(input, weight, width: lanes.Width).to(ScalarType.BFloat16), WinogradConvolution.Convolve(narrow, weight, width: lanes.Width));
            TensorAssert.Identical(WinogradConvolution.InputGradient(gradient, weight, lanes.Width).to(ScalarType.BFloat16), WinogradConvolution.InputGradient(narrowGradient, weight, lanes.Width));
            TensorAssert.Identical(WinogradConvolution.WeightGradient(input, gradient, lanes.Width), WinogradConvolution.WeightGradient(narrow, narrowGradient, lanes.Width));
        }
    }

    [Fact]
    public void Convolve_EveryWidth_RoundsAtMostThreeTimesAsMuchAsThePlainSum()
    {
        using var scope = NewDisposeScope();
        (Tensor input, Tensor weight, Tensor gradient) = Operands(2, 128, 128, 45, 100);
        (Tensor exact, Tensor exactInput, Tensor exactWeight) = Plain(input.to(ScalarType.Float64), weight.to(ScalarType.Float64), gradient.to(ScalarType.Float64));
        (Tensor plain, Tensor plainInput, Tensor plainWeight) = Plain(input, weight, gradient);
        foreach (Lanes lanes in Widths)
        {
            Assert.InRange(Error(exact, WinogradConvolution.Convolve(input, weight, width: lanes.Width)) / Error(exact, plain), 0, 3);
            Assert.InRange(Error(exactInput, WinogradConvolution.InputGradient(gradient, weight, lanes.Width)) / Error(exactInput, plainInput), 0, 3);
            Assert.InRange(Error(exactWeight, WinogradConvolution.WeightGradient(input, gradient, lanes.Width)) / Error(exactWeight, plainWeight), 0, 3);
        }
    }

    [Theory]
    [MemberData(nameof(Shapes))]
    public void Convolve_OtherWidthBlockingOrThreads_GivesTheSameBits(int batch, int inChannels, int outChannels, int height, int width)
    {
        using var scope = NewDisposeScope();
        (Tensor input, Tensor weight, Tensor gradient) = Operands(batch, inChannels, outChannels, height, width);
        int tiles = new WinogradShape(batch, height, width).Tiles;
        (Tensor expected, Tensor expectedWeight) = (Convolve(input, weight, Widths[0], new(12, outChannels, inChannels), 1), FilterGradient(input, gradient, Widths[0], new(48, outChannels, inChannels), 1));

        foreach (Lanes lanes in Widths)
        {
            foreach (int threads in (int[])[1, 2])
            {
                foreach (WinogradBlocking blocking in (WinogradBlocking[])[new(7, outChannels, inChannels), new(1000, outChannels, inChannels), new(5, 16, 16), new(24, 32, 48), new(tiles, 48, inChannels)])
                {
                    TensorAssert.Identical(expected, Convolve(input, weight, lanes, blocking, threads));
                }

                foreach (WinogradBlocking blocking in (WinogradBlocking[])[new(96, outChannels, inChannels), new(tiles, outChannels, inChannels), new(tiles, 16, inChannels), new(tiles, 48, inChannels)])
                {
                    TensorAssert.Identical(expectedWeight, FilterGradient(input, gradient, lanes, blocking, threads));
                }
            }
        }
    }

    [Fact]
    public void Convolve_FiltersMadeBefore_GivesTheSameBits()
    {
        using var scope = NewDisposeScope();
        (Tensor input, Tensor weight, _) = Operands(2, 48, 80, 9, 10);
        foreach (Lanes lanes in Widths)
        {
            using AlignedBuffer<float> points = WinogradConvolution.Points(weight, lanes.Width);

            TensorAssert.Identical(WinogradConvolution.Convolve(input, weight, width: lanes.Width), WinogradConvolution.Convolve(input, weight, width: lanes.Width, points: points));
        }
    }

    [Fact]
    public void Forward_EvaluationThenWeightsChangedThenTraining_KeepsFiltersOnlyWhileTheyHold()
    {
        using var scope = NewDisposeScope();
        (Tensor input, Tensor weight, _) = Operands(1, 32, 32, 24, 24);
        ConvolutionShape shape = ConvolutionShape.Of(input, weight, [1, 1], [1, 1]);
        var algorithm = new WinogradAlgorithm();
        using var kept = new ConvolutionWeight();
        (string, VectorWidth?) key = (nameof(WinogradAlgorithm), null);
        AlignedBuffer<float> Kept() => kept.KeepLonger<AlignedBuffer<float>>(key, () => throw new InvalidOperationException("none kept"));

        kept.Set(weight, isEvaluated: true);
        Tensor first = algorithm.Forward(input, kept, null, shape);
        AlignedBuffer<float> points = Kept();
        kept.Set(weight, isEvaluated: true);
        TensorAssert.Identical(first, algorithm.Forward(input, kept, null, shape));
        Assert.Same(points, Kept());

        weight.mul_(2);
        kept.Set(weight, isEvaluated: true);
        TensorAssert.Identical(first * 2, algorithm.Forward(input, kept, null, shape));

        kept.Set(weight);
        TensorAssert.Identical(first * 2, algorithm.Forward(input, kept, null, shape));
        Assert.Throws<InvalidOperationException>(Kept);
    }

    [Fact]
    public void LoadAndStoreBFloat16_EveryWidth_HaveTheBitsOfOneNumber()
    {
        // Every pattern, and around each the middle to the next; NaN of every kind among them.
        float[] values = [.. Enumerable.Range(0, 1 << 16).SelectMany(bits => (uint[])[0, 1, 0x7FFF, 0x8000, 0x8001, 0xFFFF], (bits, low) => BitConverter.UInt32BitsToSingle(((uint)bits << 16) | low))];
        ushort[] narrow = [.. values.Select(BFloat16Conversion.Narrow)];
        uint[] wide = [.. narrow.Select(bits => (uint)bits << 16)];
        foreach (Lanes lanes in Widths)
        {
            ushort[] narrowed = new ushort[values.Length];
            uint[] widened = new uint[values.Length];
            fixed (float* from = values)
            fixed (ushort* middle = narrowed)
            fixed (uint* to = widened)
            {
                lanes.Through(from, middle, (float*)to, values.Length);
            }

            Assert.Equal(narrow, narrowed);
            Assert.Equal(wide, widened);
        }
    }

    private static Tensor Convolve(Tensor input, Tensor weight, Lanes lanes, WinogradBlocking blocking, int threads)
    {
        WinogradShape shape = new((int)input.shape[0], (int)input.shape[2], (int)input.shape[3]);
        Tensor result = full([shape.Batch, shape.Height, shape.Width, weight.shape[0]], double.NaN);
        var filter = WinogradFilter.ForOutput((float*)TensorMemory.Address(weight), (int)weight.shape[0], (int)weight.shape[1]);
        lanes.Kernel.Convolve(TensorMemory.Address(input), filter, null, TensorMemory.Address(result), shape, blocking, threads);
        return result;
    }

    private static Tensor FilterGradient(Tensor input, Tensor gradient, Lanes lanes, WinogradBlocking blocking, int threads)
    {
        WinogradShape shape = new((int)input.shape[0], (int)input.shape[2], (int)input.shape[3]);
        Tensor result = full([gradient.shape[1], 3, 3, input.shape[1]], double.NaN);
        lanes.Kernel.FilterGradient(
            TensorMemory.Address(input), TensorMemory.Address(gradient), (float*)TensorMemory.Address(result), shape, (int)input.shape[1], (int)gradient.shape[1], blocking, threads);
        return result;
    }

    private static (Tensor Input, Tensor Weight, Tensor Gradient) Operands(int batch, int inChannels, int outChannels, int height, int width)
    {
        var generator = new Generator(5, CPU);
        Tensor ChannelsLast(params long[] shape) => randn(shape, generator: generator).to(ScalarType.BFloat16).to(ScalarType.Float32).permute(0, 3, 1, 2);
        return (ChannelsLast(batch, height, width, inChannels), ChannelsLast(outChannels, 3, 3, inChannels) * Math.Sqrt(2.0 / (9 * inChannels)), ChannelsLast(batch, height, width, outChannels));
    }

    private static (Tensor Output, Tensor Input, Tensor Weight) Plain(Tensor input, Tensor weight, Tensor gradient)
    {
        (Tensor features, Tensor taps) = (input.detach().requires_grad_(), weight.detach().requires_grad_());
        Tensor output = nn.functional.conv2d(features, taps, padding: [1, 1]);
        output.backward([gradient]);
        return (output.detach(), features.grad!, taps.grad!);
    }

    private static double Error(Tensor expected, Tensor actual) => (expected - actual.to(ScalarType.Float64)).square().mean().sqrt().item<double>();

    // What a width of vectors stands for.
    private sealed class Lanes(VectorWidth width)
    {
        public VectorWidth Width => width;

        public IWinogradKernel Kernel => width switch
        {
            VectorWidth.Bits512 => new WinogradKernel<Float32Image, Lanes512>(),
            VectorWidth.Bits256 => new WinogradKernel<Float32Image, Lanes256>(),
            _ => new WinogradKernel<Float32Image, Lanes128>(),
        };

        public void Through(float* from, ushort* middle, float* to, int count)
        {
            switch (width)
            {
                case VectorWidth.Bits512:
                    Through<Lanes512>(from, middle, to, count);
                    break;
                case VectorWidth.Bits256:
                    Through<Lanes256>(from, middle, to, count);
                    break;
                default:
                    Through<Lanes128>(from, middle, to, count);
                    break;
            }
        }

        private static void Through<TLanes>(float* from, ushort* middle, float* to, int count)
            where TLanes : unmanaged, ILanes<TLanes>
        {
            for (int i = 0; i < count; i += 2 * TLanes.Count)
            {
                TLanes.StoreBFloat16(TLanes.Load(from + i), TLanes.Load(from + i + TLanes.Count), middle + i);
                TLanes.LoadBFloat16(middle + i, out TLanes first, out TLanes second);
                TLanes.Store(first, to + i);
                TLanes.Store(second, to + i + TLanes.Count);
            }
        }
    }
}
