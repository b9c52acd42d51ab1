using Convoy.Torch.Convolution;
using TorchSharp;
using static TorchSharp.torch;

namespace Convoy.Torch.Tests.Convolution;

/// <summary>Every kernel beside the plain sum in float64, all passes.</summary>
public sealed class ConvolutionAlgorithmTests
{
    private static readonly (string Label, ConvolutionShape Shape)[] Shapes =
    [
        ("3x3", new(2, 64, 13, 22, 32, 3, 3, 1, 1, 1, 1)),
        ("3x3 stride 2", new(2, 32, 14, 23, 64, 3, 3, 2, 2, 1, 1)),
        ("3x3 stride 2, even", new(3, 64, 12, 18, 32, 3, 3, 2, 2, 1, 1)),
        ("1x1 stride 2", new(2, 64, 11, 18, 96, 1, 1, 2, 2, 0, 0)),
        ("1x1 stride 3x2", new(1, 96, 17, 15, 48, 1, 1, 3, 2, 0, 0)),
        ("1x1", new(2, 48, 9, 14, 64, 1, 1, 1, 1, 0, 0)),
        ("stem", new(2, 3, 31, 46, 64, 7, 7, 2, 2, 3, 3)),
        ("strides and paddings that differ", new(1, 16, 17, 12, 16, 3, 5, 2, 1, 0, 2)),
        ("one pixel", new(1, 16, 1, 1, 16, 3, 3, 1, 1, 1, 1)),
        ("many channels", new(1, 256, 6, 7, 128, 3, 3, 1, 1, 1, 1)),
        ("several parts", new(2, 80, 40, 61, 16, 3, 3, 1, 1, 1, 1)),
        ("stride 3", new(1, 16, 20, 19, 32, 5, 5, 3, 3, 2, 2)),
        ("no padding", new(1, 16, 9, 9, 16, 3, 3, 2, 2, 0, 0)),
        ("few channels, many filters", new(1, 3, 20, 21, 96, 5, 5, 1, 1, 2, 2)),
        ("odd channels", new(2, 13, 9, 8, 7, 3, 3, 1, 1, 1, 1)),
    ];

    public static TheoryData<string, string, string> Cases
    {
        get
        {
            var cases = new TheoryData<string, string, string>();
            foreach (IConvolutionAlgorithm algorithm in ConvolutionAlgorithms.All)
            {
                foreach ((string label, ConvolutionShape shape) in Shapes)
                {
                    foreach (ScalarType dtype in (ScalarType[])[ScalarType.Float32, ScalarType.BFloat16])
                    {
                        if (Enum.GetValues<ConvolutionPass>().Any(pass => algorithm.Supports(shape, dtype, pass)))
                        {
                            cases.Add(algorithm.Name, label, dtype.ToString());
                        }
                    }
                }
            }

            return cases;
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Passes_AnySizes_EqualThePlainSumInFloat64(string name, string label, string type)
    {
        using var scope = NewDisposeScope();
        ScalarType dtype = Enum.Parse<ScalarType>(type);
        IConvolutionAlgorithm algorithm = ConvolutionAlgorithms.Find(name)!;
        ConvolutionShape shape = Shapes.Single(entry => entry.Label == label).Shape;
        var generator = new Generator(3, CPU);
        Tensor ChannelsLast(params long[] sizes) => randn(sizes, generator: generator).permute(0, 2, 3, 1).contiguous().permute(0, 3, 1, 2);
        Tensor input = ChannelsLast(shape.Batch, shape.InChannels, shape.Height, shape.Width).to(dtype);
        Tensor values = ChannelsLast(shape.OutChannels, shape.InChannels, shape.KernelHeight, shape.KernelWidth) / Math.Sqrt(shape.InChannels * shape.KernelHeight * shape.KernelWidth);
        Tensor gradient = ChannelsLast(shape.Batch, shape.OutChannels, shape.OutHeight, shape.OutWidth).to(dtype);
        using var weight = new ConvolutionWeight();
        weight.Set(values);

        (Tensor x, Tensor w) = (input.to(ScalarType.Float64).requires_grad_(), values.to(ScalarType.Float64).requires_grad_());
        Tensor exact = nn.functional.conv2d(x, w, strides: shape.Strides, padding: shape.Paddings);
        exact.backward([gradient.to(ScalarType.Float64)]);

        // bfloat16: a unit of its last place is 2^-8, for the rounding of the weights, of the result, and of libtorch's sums of parts, of which it makes more without AVX-512.
        double tolerance = dtype == ScalarType.Float32 ? 5e-6 : algorithm is LibtorchAlgorithm ? 4.0 / 256 : 1.5 / 256;
        void Check(ConvolutionPass pass, Tensor expected, ScalarType expectedType, Func<Tensor> compute)
        {
            if (algorithm.Supports(shape, dtype, pass))
            {
                Tensor actual = compute();
                Assert.Equal(expectedType, actual.dtype);
                Assert.Equal(expected.shape, actual.shape);
                TensorAssert.Close(expected, actual, tolerance);
            }
        }

        Check(ConvolutionPass.Forward, exact.detach(), dtype, () => algorithm.Forward(input, weight, null, shape));
        Check(ConvolutionPass.InputGradient, x.grad!, dtype, () => algorithm.InputGradient(gradient, weight, shape));
        Check(ConvolutionPass.WeightGradient, w.grad!, ScalarType.Float32, () => algorithm.WeightGradient(input, gradient, shape));
    }
}
