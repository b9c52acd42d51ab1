using Convoy.Torch.Convolution;
using static TorchSharp.torch;

namespace Convoy.Torch.Tests.Convolution;

/// <summary>What holds for products of small matrices beside <see cref="ConvolutionAlgorithmTests"/>.</summary>
public sealed class BlockProductAlgorithmTests
{
    private static readonly IConvolutionAlgorithm Algorithm = ConvolutionAlgorithms.BlockProducts;
    private static readonly ConvolutionShape Stem = new(2, 3, 61, 90, 64, 7, 7, 2, 2, 3, 3), Strided = new(2, 32, 33, 70, 80, 3, 3, 2, 2, 1, 1), Plain = new(2, 80, 26, 45, 48, 3, 3, 1, 1, 1, 1), Pointwise = new(1, 96, 35, 22, 80, 1, 1, 2, 2, 0, 0);

    [Theory]
    [InlineData("stem", nameof(ScalarType.Float32))]
    [InlineData("stem", nameof(ScalarType.BFloat16))]
    [InlineData("strided", nameof(ScalarType.Float32))]
    [InlineData("strided", nameof(ScalarType.BFloat16))]
    [InlineData("plain", nameof(ScalarType.Float32))]
    [InlineData("plain", nameof(ScalarType.BFloat16))]
    public void WeightGradient_TwoThreads_GivesTheBitsOfOne(string label, string type)
    {
        using var scope = NewDisposeScope();
        (Tensor input, Tensor gradient, _, ConvolutionShape shape) = Operands(label, type);
        Require(shape, input.dtype, ConvolutionPass.WeightGradient);
        OneAndTwoThreads(() => Algorithm.WeightGradient(input, gradient, shape));
    }

    [Theory]
    [InlineData("pointwise", nameof(ScalarType.Float32))]
    [InlineData("pointwise", nameof(ScalarType.BFloat16))]
    public void InputGradient_TwoThreads_GivesTheBitsOfOne(string label, string type)
    {
        using var scope = NewDisposeScope();
        (_, Tensor gradient, Tensor values, ConvolutionShape shape) = Operands(label, type);
        using var weight = new ConvolutionWeight();
        weight.Set(values);
        Require(shape, gradient.dtype, ConvolutionPass.InputGradient);
        OneAndTwoThreads(() => Algorithm.InputGradient(gradient, weight, shape));
    }

    [Theory]
    [InlineData("stem", nameof(ScalarType.BFloat16))]
    public void Forward_TwoThreads_GivesTheBitsOfOne(string label, string type)
    {
        using var scope = NewDisposeScope();
        (Tensor input, _, Tensor values, ConvolutionShape shape) = Operands(label, type);
        using var weight = new ConvolutionWeight();
        weight.Set(values);
        Require(shape, input.dtype, ConvolutionPass.Forward);
        OneAndTwoThreads(() => Algorithm.Forward(input, weight, null, shape));
    }

    [Theory]
    [InlineData("stem", nameof(ScalarType.BFloat16))]
    public void Forward_Bias_IsAddedBeforeTheOneRounding(string label, string type)
    {
        using var scope = NewDisposeScope();
        (Tensor input, _, Tensor values, ConvolutionShape shape) = Operands(label, type);

        Require(shape, input.dtype, ConvolutionPass.Forward);

        // Numbers whose products and sums are exact: only the rounding of the result is left.
        (Tensor x, Tensor w) = ((input * 4).round(), (values * 64).round());
        Tensor bias = arange(shape.OutChannels, ScalarType.Float32) + 0.125f;
        using var weight = new ConvolutionWeight();
        weight.Set(w);
        Tensor exact = nn.functional.conv2d(x.to(ScalarType.Float32), w, bias, strides: shape.Strides, padding: shape.Paddings);
        TensorAssert.Identical(exact.to(input.dtype), Algorithm.Forward(x, weight, bias, shape));
    }

    [Theory]
    [InlineData("stem")]
    [InlineData("strided")]
    [InlineData("plain")]
    public void WeightGradient_Float32_IsAtMostThreeTimesAsFarFromFloat64AsLibtorchs(string label)
    {
        using var scope = NewDisposeScope();
        (Tensor input, Tensor gradient, Tensor values, ConvolutionShape shape) = Operands(label, nameof(ScalarType.Float32));
        Require(shape, ScalarType.Float32, ConvolutionPass.WeightGradient);

        Tensor w = values.to(ScalarType.Float64).requires_grad_();
        nn.functional.conv2d(input.to(ScalarType.Float64), w, strides: shape.Strides, padding: shape.Paddings).backward([gradient.to(ScalarType.Float64)]);
        double Error(IConvolutionAlgorithm algorithm) => (algorithm.WeightGradient(input, gradient, shape).to(ScalarType.Float64) - w.grad!).pow(2).mean().sqrt().item<double>();
        Assert.InRange(Error(Algorithm), 0, 3 * Error(ConvolutionAlgorithms.Libtorch));
    }

    [Theory]
    [InlineData(nameof(ScalarType.Float32))]
    [InlineData(nameof(ScalarType.BFloat16))]
    public void WeightGradient_FilterFarLargerThanTheImage_IsZeroWhereNoPixelIs(string type)
    {
        using var scope = NewDisposeScope();
        ScalarType dtype = Enum.Parse<ScalarType>(type);
        var shape = new ConvolutionShape(2, 3, 1, 1, 32, 7, 7, 2, 2, 3, 3);
        Require(shape, dtype, ConvolutionPass.WeightGradient);

        Tensor expected = zeros(32, 3, 7, 7);
        expected.select(3, 3).select(2, 3).fill_(2);
        Tensor actual = Algorithm.WeightGradient(ones(2, 1, 1, 3).to(dtype).permute(0, 3, 1, 2), ones(2, 1, 1, 32).to(dtype).permute(0, 3, 1, 2), shape);
        Assert.Equal(0, (expected - actual).abs().max().item<float>());
    }

    private static void Require(in ConvolutionShape shape, ScalarType dtype, ConvolutionPass pass) =>
        Assert.SkipUnless(Algorithm.Supports(shape, dtype, pass), "libtorch's products of matrices cannot be called here.");

    private static void OneAndTwoThreads(Func<Tensor> compute)
    {
        int before = get_num_threads();
        try
        {
            set_num_threads(1);
            Tensor one = compute();
            set_num_threads(2);
            TensorAssert.Identical(one, compute());
        }
        finally
        {
            set_num_threads(before);
        }
    }

    private static (Tensor Input, Tensor Gradient, Tensor Weight, ConvolutionShape Shape) Operands(string label, string type)
    {
        ConvolutionShape shape = label switch
        {
            "stem" => Stem,
            "strided" => Strided,
            "pointwise" => Pointwise,
            _ => Plain,
        };
        ScalarType dtype = Enum.Parse<ScalarType>(type);
        var generator = new Generator(5, CPU);
        Tensor ChannelsLast(params long[] sizes) => randn(sizes, generator: generator).permute(0, 2, 3, 1).contiguous().permute(0, 3, 1, 2);
        return (
            ChannelsLast(shape.Batch, shape.InChannels, shape.Height, shape.Width).to(dtype),
            ChannelsLast(shape.Batch, shape.OutChannels, shape.OutHeight, shape.OutWidth).to(dtype),
            ChannelsLast(shape.OutChannels, shape.InChannels, shape.KernelHeight, shape.KernelWidth) / Math.Sqrt(shape.InChannels * shape.KernelHeight * shape.KernelWidth),
            shape);
    }
}
