using System.Runtime.InteropServices;
using Convoy.Torch.Amp;
using Convoy.Torch.Autograd;
using Convoy.Torch.Convolution;
using Convoy.Torch.Nn;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Convoy.Torch.Tests.Nn;

public sealed class TunedConv2dTests
{
    [Theory]
    [InlineData(2, 64, 64, 90, 200)]
    [InlineData(4, 128, 128, 45, 100)]
    [InlineData(4, 64, 128, 23, 50)]
    [InlineData(3, 32, 48, 13, 11)]
    [InlineData(1, 16, 16, 64, 64)]
    [InlineData(2, 16, 32, 5, 3)]
    [InlineData(2, 16, 16, 1, 1)]
    [InlineData(1, 32, 16, 4, 97)]
    [InlineData(1, 256, 512, 28, 30)] // Filters in groups, the last one smaller, and two parts of the tiles.
    public void Forward_Float32_EqualsTheSumInFloat64(int batch, int inChannels, int outChannels, int height, int width)
    {
        using var scope = NewDisposeScope();
        (Tensor input, Tensor weight) = Operands(batch, inChannels, outChannels, height, width, ScalarType.Float32);

        (Tensor expected, Tensor expectedInput, Tensor expectedWeight) = Plain(input.to(ScalarType.Float64), weight.to(ScalarType.Float64));
        (Tensor output, Tensor inputGradient, Tensor weightGradient) = Winograd(input, weight);

        TensorAssert.Close(expected, output, 5e-6);
        TensorAssert.Close(expectedInput, inputGradient, 5e-6);
        TensorAssert.Close(expectedWeight, weightGradient, 5e-6);
    }

    [Fact]
    public void Forward_Float32_RoundsAtMostThreeTimesAsMuchAsThePlainSum()
    {
        using var scope = NewDisposeScope();
        (Tensor input, Tensor weight) = Operands(2, 128, 128, 45, 100, ScalarType.Float32);
        (Tensor exact, Tensor exactInput, Tensor exactWeight) = Plain(input.to(ScalarType.Float64), weight.to(ScalarType.Float64));
        (Tensor plain, Tensor plainInput, Tensor plainWeight) = Plain(input, weight);

        (Tensor output, Tensor inputGradient, Tensor weightGradient) = Winograd(input, weight);

        Assert.InRange(Error(exact, output) / Error(exact, plain), 0, 3);
        Assert.InRange(Error(exactInput, inputGradient) / Error(exactInput, plainInput), 0, 3);
        Assert.InRange(Error(exactWeight, weightGradient) / Error(exactWeight, plainWeight), 0, 3);
    }

    [Theory]
    [InlineData(2, 64, 64, 30, 52)]
    [InlineData(3, 32, 48, 13, 11)]
    [InlineData(2, 16, 32, 5, 3)]
    [InlineData(1, 256, 512, 28, 30)]
    public void Forward_BFloat16Autocast_IsFloat32sRoundedOnce(int batch, int inChannels, int outChannels, int height, int width)
    {
        using var scope = NewDisposeScope();
        (Tensor input, Tensor weight) = Operands(batch, inChannels, outChannels, height, width, ScalarType.BFloat16);
        (Tensor expected, Tensor expectedInput, Tensor expectedWeight) = Winograd(input.to(ScalarType.Float32), weight);

        (Tensor output, Tensor inputGradient, Tensor weightGradient) = Winograd(input, weight);

        TensorAssert.Identical(expected.to(ScalarType.BFloat16), output);
        TensorAssert.Identical(expectedInput.to(ScalarType.BFloat16), inputGradient);
        TensorAssert.Identical(expectedWeight, weightGradient);
    }

    [Fact]
    public void Forward_BFloat16AutocastOfFloat32_TakesTheInputRounded()
    {
        using var scope = NewDisposeScope();
        (Tensor input, Tensor weight) = Operands(2, 16, 16, 9, 10, ScalarType.Float32);
        using var layer = Layer(weight);
        using Autocast region = Autocast.Enter(DeviceType.CPU, ScalarType.BFloat16);

        TensorAssert.Identical(layer.call(input.to(ScalarType.BFloat16)), layer.call(input));
    }

    [Theory]
    [InlineData(32, 32, 21, 30)]
    [InlineData(512, 512, 12, 25)] // Near the number of tiles from which it pays.
    public void Forward_PartsOfABatch_GiveTheBitsOfTheWhole(int inChannels, int outChannels, int height, int width)
    {
        using var scope = NewDisposeScope();
        (Tensor input, Tensor weight) = Operands(4, inChannels, outChannels, height, width, ScalarType.Float32);
        using var layer = Layer(weight);

        Tensor whole = layer.call(input);

        for (int image = 0; image < 4; image++)
        {
            TensorAssert.Identical(whole[image..(image + 1)], layer.call(input[image..(image + 1)]));
        }
    }

    [Theory]
    [InlineData(2, 48, 32, 37, 41)]
    [InlineData(1, 256, 512, 28, 30)]
    public void Forward_TwoThreads_GivesTheSameBits(int batch, int inChannels, int outChannels, int height, int width)
    {
        using var scope = NewDisposeScope();
        (Tensor input, Tensor weight) = Operands(batch, inChannels, outChannels, height, width, ScalarType.Float32);
        set_num_threads(1);
        (Tensor expected, Tensor expectedInput, Tensor expectedWeight) = Winograd(input, weight);
        set_num_threads(2);
        try
        {
            (Tensor output, Tensor inputGradient, Tensor weightGradient) = Winograd(input, weight);

            TensorAssert.Identical(expected, output);
            TensorAssert.Identical(expectedInput, inputGradient);
            TensorAssert.Identical(expectedWeight, weightGradient);
        }
        finally
        {
            set_num_threads(1);
        }
    }

    [Fact]
    public void Forward_ChannelsLast_StaysSoAlsoInTheGradients()
    {
        using var scope = NewDisposeScope();
        (Tensor input, Tensor weight) = Operands(2, 16, 32, 9, 10, ScalarType.Float32);

        (Tensor output, Tensor inputGradient, Tensor weightGradient) = Winograd(input, weight);

        Assert.All([output, inputGradient, weightGradient], result => Assert.True(result.permute(0, 2, 3, 1).is_contiguous()));
    }

    [Fact]
    public void Forward_ContiguousWeights_GivesTheSameBits()
    {
        using var scope = NewDisposeScope();
        (Tensor input, Tensor weight) = Operands(2, 16, 32, 9, 10, ScalarType.Float32);
        (Tensor expected, Tensor expectedInput, Tensor expectedWeight) = Winograd(input, weight);

        (Tensor output, Tensor inputGradient, Tensor weightGradient) = Winograd(input, weight.contiguous());

        TensorAssert.Identical(expected, output);
        TensorAssert.Identical(expectedInput, inputGradient);
        TensorAssert.Identical(expectedWeight, weightGradient);
    }

    [Theory]
    [InlineData(16, 16, 30, false)] // Not channels-last.
    [InlineData(3, 16, 30, true)] // Channels in no whole vectors.
    [InlineData(16, 20, 30, true)]
    [InlineData(512, 512, 4, true)] // Too few tiles.
    public void Forward_WhatTheKernelDoesNotTake_IsThePlainConvolution(int inChannels, int outChannels, int size, bool channelsLast)
    {
        using var scope = NewDisposeScope();
        (Tensor input, Tensor weight) = Operands(2, inChannels, outChannels, size, size, ScalarType.Float32);
        input = channelsLast ? input : input.contiguous();
        (Tensor expected, Tensor expectedInput, Tensor expectedWeight) = Plain(input, weight);

        (Tensor output, Tensor inputGradient, Tensor weightGradient) = Winograd(input, weight);

        TensorAssert.Identical(expected, output);
        TensorAssert.Identical(expectedInput, inputGradient);
        TensorAssert.Identical(expectedWeight, weightGradient);
    }

    [Fact]
    public void Forward_InputWithoutGradient_GivesThatOfTheWeights()
    {
        using var scope = NewDisposeScope();
        (Tensor input, Tensor weight) = Operands(2, 16, 32, 9, 10, ScalarType.Float32);
        (_, _, Tensor expected) = Winograd(input, weight);
        using var layer = Layer(weight);

        Tensor output = layer.call(input);
        output.backward([Gradient(output)]);

        TensorAssert.Identical(expected, layer.parameters().Single().grad!);
    }

    [Fact]
    public void Forward_FrozenWeights_GivesTheInputsGradient()
    {
        using var scope = NewDisposeScope();
        (Tensor input, Tensor weight) = Operands(2, 16, 32, 9, 10, ScalarType.Float32);
        (_, Tensor expected, _) = Winograd(input, weight);
        using var layer = Layer(weight);
        Parameter frozen = layer.parameters().Single();
        frozen.requires_grad = false;
        Tensor features = input.detach().requires_grad_();

        Tensor output = layer.call(features);
        output.backward([Gradient(output)]);

        TensorAssert.Identical(expected, features.grad!);
        Assert.Null(frozen.grad);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Forward_CreateGraph_HasThePlainSecondDerivative(bool trained)
    {
        using var scope = NewDisposeScope();
        (Tensor input, Tensor weight) = Operands(1, 16, 16, 9, 10, ScalarType.Float32);
        using var layer = Layer(weight);
        layer.parameters().Single().requires_grad = trained;

        Tensor Second(Func<Tensor, Tensor> function)
        {
            Tensor features = input.detach().requires_grad_();
            Tensor slope = autograd.grad([function(features).pow(3).sum()], [features], retain_graph: true, create_graph: true)[0];
            return autograd.grad([(slope * slope).sum()], [features])[0];
        }

        TensorAssert.Close(Second(features => nn.functional.conv2d(features, weight, padding: [1, 1])), Second(layer.call), 1e-5);
    }

    [Fact]
    public void Forward_CreateGraphOfAnInputWithoutGradient_HasThePlainSecondDerivative()
    {
        using var scope = NewDisposeScope();
        (Tensor input, Tensor weight) = Operands(1, 16, 16, 9, 10, ScalarType.Float32);
        using var layer = Layer(weight);
        Parameter own = layer.parameters().Single();
        Tensor plain = weight.detach().requires_grad_();

        Tensor Second(Tensor output, Tensor taps)
        {
            Tensor slope = autograd.grad([output.pow(3).sum()], [taps], retain_graph: true, create_graph: true)[0];
            return autograd.grad([(slope * slope).sum()], [taps])[0];
        }

        TensorAssert.Close(Second(nn.functional.conv2d(input, plain, padding: [1, 1]), plain), Second(layer.call(input), own), 1e-5);
    }

    [Fact]
    public void Forward_ConvertedToFloat64_IsThePlainConvolution()
    {
        using var scope = NewDisposeScope();
        (Tensor input, Tensor weight) = Operands(1, 16, 16, 9, 10, ScalarType.Float32);
        using var layer = Layer(weight);

        layer.to(ScalarType.Float64);

        TensorAssert.Identical(nn.functional.conv2d(input.to(ScalarType.Float64), weight.to(ScalarType.Float64), padding: [1, 1]), layer.call(input.to(ScalarType.Float64)));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Forward_Float16RegionAndSwitchedOffRegion_AreAsForThePlainConvolution(bool enabled)
    {
        using var scope = NewDisposeScope();
        (Tensor input, Tensor weight) = Operands(1, 16, 16, 9, 10, ScalarType.Float32);
        using var layer = Layer(weight);
        Tensor outside = layer.call(input);
        using Autocast around = Autocast.Enter(DeviceType.CPU, ScalarType.BFloat16);
        using Autocast region = Autocast.Enter(DeviceType.CPU, ScalarType.Float16, enabled);

        TensorAssert.Identical(enabled ? nn.functional.conv2d(input, weight, padding: [1, 1]) : outside, layer.call(input));
    }

    [Fact]
    public void Backward_WeightsChangedBefore_Fails()
    {
        using var scope = NewDisposeScope();
        (Tensor input, Tensor weight) = Operands(1, 16, 16, 9, 10, ScalarType.Float32);
        using var layer = Layer(weight);
        Tensor output = layer.call(input.requires_grad_());
        using (IDisposable noGrad = no_grad())
        {
            layer.parameters().Single().add_(1);
        }

        if (AutogradEngine.IsSupported)
        {
            Assert.Throws<ExternalException>(() => output.sum().backward());
        }
        else
        {
            output.sum().backward();
            Assert.ThrowsAny<Exception>(() => layer.call(input));
        }
    }

    [Fact]
    public void Forward_NotANumber_ReachesTheOutput()
    {
        using var scope = NewDisposeScope();
        (Tensor input, Tensor weight) = Operands(1, 16, 16, 9, 10, ScalarType.Float32);
        input[0, 3, 4, 4] = float.NaN;
        using var layer = Layer(weight);

        Assert.True(layer.call(input)[0, .., 3..6, 3..6].isnan().all().item<bool>());
    }

    [Fact]
    public void Forward_100Times_KeepsLiveTensorsFlat()
    {
        using var scope = NewDisposeScope();
        (Tensor input, Tensor weight) = Operands(1, 16, 16, 9, 10, ScalarType.Float32);
        using var layer = Layer(weight);
        long after10 = 0;
        for (int i = 0; i < 100; i++)
        {
            using (NewDisposeScope())
            {
                layer.call(input.detach().requires_grad_()).sum().backward();
            }

            after10 = i == 9 ? DisposeScopeManager.Statistics.ThreadTotalLiveCount : after10;
        }

        Assert.Equal(after10, DisposeScopeManager.Statistics.ThreadTotalLiveCount);
    }

    [Theory]
    [InlineData(16)] // Winograd's kernel.
    [InlineData(12)] // libtorch's.
    public void Backward_WithABias_GivesItsGradient(int channels)
    {
        using var scope = NewDisposeScope();
        (Tensor input, Tensor weight) = Operands(2, channels, channels, 9, 10, ScalarType.Float32);
        Tensor bias = randn(channels, generator: new Generator(1, CPU));
        (Tensor x, Tensor w, Tensor b) = (input.detach().requires_grad_(), weight.detach().requires_grad_(), bias.detach().requires_grad_());
        Tensor plain = nn.functional.conv2d(x, w, b, padding: [1, 1]);
        plain.backward([Gradient(plain)]);
        using var layer = new TunedConv2d(new Parameter(weight.clone()), new Parameter(bias.clone()), padding: 1);
        Tensor features = input.detach().requires_grad_();

        Tensor output = layer.call(features);
        output.backward([Gradient(output)]);

        TensorAssert.Close(plain, output, 5e-6);
        TensorAssert.Close(x.grad!, features.grad!, 5e-6);
        TensorAssert.Close(w.grad!, layer.get_parameter("weight")!.grad!, 5e-6);
        TensorAssert.Close(b.grad!, layer.get_parameter("bias")!.grad!, 5e-6);
    }

    [Fact]
    public void Backward_MoreLayers_KeepNoMoreGradients()
    {
        using var scope = NewDisposeScope();
        (Tensor input, _) = Operands(1, 16, 16, 9, 10, ScalarType.Float32);

        long Kept(int layers)
        {
            using nn.Module<Tensor, Tensor> network = TunedConv2d.Convert(nn.Sequential([.. Enumerable.Range(0, layers).Select(_ => nn.Conv2d(16, 16, 3, padding: 1, bias: false))]));
            long before = DisposeScopeManager.Statistics.ThreadTotalLiveCount;
            using (NewDisposeScope())
            {
                network.call(input).sum().backward();
            }

            return DisposeScopeManager.Statistics.ThreadTotalLiveCount - before;
        }

        Assert.Equal(Kept(2), Kept(6));
    }

    [Fact]
    public void Convert_Network_ReplacesWhatItStandsForAndKeepsParameters()
    {
        using var scope = NewDisposeScope();
        using nn.Module<Tensor, Tensor> network = nn.Sequential(
            ("plain", nn.Conv2d(16, 16, 3, padding: 1, bias: false)), ("bias", nn.Conv2d(16, 16, 3, padding: 1)), ("wide", nn.Conv2d(16, 16, 5, padding: 1, bias: false)), ("stride", nn.Conv2d(16, 16, 3, stride: 2, padding: 1, bias: false)),
            ("valid", nn.Conv2d(16, 16, 3, bias: false)), ("dilated", nn.Conv2d(16, 16, 3, padding: 1, dilation: 2, bias: false)), ("grouped", nn.Conv2d(16, 16, 3, padding: 1, groups: 2, bias: false)),
            ("reflected", nn.Conv2d(16, 16, 3, padding: 1, padding_mode: PaddingModes.Reflect, bias: false)), ("inner", nn.Sequential(nn.Conv2d(16, 16, 3, padding: 1, bias: false))));
        (string Name, Parameter Value)[] before = [.. network.named_parameters()];

        Assert.Same(network, TunedConv2d.Convert(network));

        Assert.Equal(["plain", "bias", "wide", "stride", "valid", "inner.0"], network.named_modules().Where(module => module.module is TunedConv2d).Select(module => module.name));
        Assert.Equal(before, network.named_parameters());
    }

    [Fact]
    public void Convert_ReplacedConvolutionIsCollected_WeightsLiveOn()
    {
        using nn.Module<Tensor, Tensor> network = Converted();

#pragma warning disable RS0030 // the collector is what is tested
        GC.Collect();
#pragma warning restore RS0030
        GC.WaitForPendingFinalizers();

        using Tensor output = network.call(ones(1, 16, 5, 5));
        Assert.Equal([1, 16, 5, 5], output.shape);

        // In a method of its own, so that nothing on this one's stack keeps the convolution.
        [System.Runtime.CompilerServices.MethodImpl(System.Runtime.CompilerServices.MethodImplOptions.NoInlining)]
        static nn.Module<Tensor, Tensor> Converted() => TunedConv2d.Convert(nn.Sequential(nn.Conv2d(16, 16, 3, padding: 1, bias: false)));
    }

    [Fact]
    public void Convert_Conv2dItself_IsRefused()
    {
        using var convolution = nn.Conv2d(16, 16, 3, padding: 1, bias: false);

        Assert.Throws<ArgumentException>("module", () => TunedConv2d.Convert(convolution));
    }

    [Fact]
    public void Convert_FieldOfConv2d_IsRefusedByName()
    {
        using var network = new Declared();

        var error = Assert.Throws<ArgumentException>(() => TunedConv2d.Convert(network));

        Assert.Contains("Declared._convolution", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Constructor_WeightsOfAnotherDimension_AreRefused()
    {
        using var weight = new Parameter(ones(16, 16, 3));

        var error = Assert.Throws<ArgumentException>(() => new TunedConv2d(weight));

        Assert.Contains("[16, 16, 3]", error.Message, StringComparison.Ordinal);
    }

    private static (Tensor Input, Tensor Weight) Operands(int batch, int inChannels, int outChannels, int height, int width, ScalarType dtype)
    {
        var generator = new Generator(5, CPU);
        Tensor ChannelsLast(long[] shape) => randn(shape, generator: generator).permute(0, 2, 3, 1).contiguous().permute(0, 3, 1, 2);
        return (ChannelsLast([batch, inChannels, height, width]).to(dtype), ChannelsLast([outChannels, inChannels, 3, 3]) * Math.Sqrt(2.0 / (9 * inChannels)));
    }

    private static TunedConv2d Layer(Tensor weight) => new(new Parameter(weight.detach().clone()), padding: 1);

    private static (Tensor Output, Tensor Input, Tensor Weight) Plain(Tensor input, Tensor weight)
    {
        (Tensor features, Tensor taps) = (input.detach().requires_grad_(), weight.detach().requires_grad_());
        Tensor output = nn.functional.conv2d(features, taps, padding: [1, 1]);
        output.backward([Gradient(output)]);
        return (output.detach(), features.grad!, taps.grad!);
    }

    private static (Tensor Output, Tensor Input, Tensor Weight) Winograd(Tensor input, Tensor weight)
    {
        using var layer = Layer(weight);
        Tensor features = input.detach().requires_grad_(), output;
        using (Autocast.Enter(DeviceType.CPU, ScalarType.BFloat16, enabled: input.dtype == ScalarType.BFloat16))
        {
            output = layer.call(features);
        }

        output.backward([Gradient(output)]);
        return (output.detach(), features.grad!, layer.parameters().Single().grad!.MoveToOuterDisposeScope());
    }

    private static Tensor Gradient(Tensor output) => randn(output.shape, generator: new Generator(6, CPU)).to(ScalarType.BFloat16).to(output.dtype);

    private sealed class Declared : nn.Module<Tensor, Tensor>
    {
        private readonly Conv2d _convolution = nn.Conv2d(16, 16, 3, padding: 1, bias: false);

        public Declared()
            : base(nameof(Declared)) => RegisterComponents();

        public override Tensor forward(Tensor input) => _convolution.call(input);
    }

    private static double Error(Tensor expected, Tensor actual) => (expected - actual.to(ScalarType.Float64)).square().mean().sqrt().item<double>();
}
