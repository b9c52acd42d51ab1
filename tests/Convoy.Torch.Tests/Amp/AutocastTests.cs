using Convoy.Torch.Amp;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Convoy.Torch.Tests.Amp;

[Collection(nameof(Autocast))] // One after the other: the end of a region clears the casts that all threads share.
public sealed class AutocastTests : IDisposable
{
    private readonly DisposeScope _scope = NewDisposeScope();
    private readonly Parameter _weight = new(ones(4, 3));
    private readonly Tensor _input = ones(2, 4);

    public void Dispose() => _scope.Dispose();

    [Theory]
    [InlineData(ScalarType.BFloat16)]
    [InlineData(ScalarType.Float16)]
    public void Enter_OnTheCpu_RunsMatrixProductsInThatTypeUntilItIsLeft(ScalarType dtype)
    {
        using (Autocast.Enter(DeviceType.CPU, dtype))
        {
            Assert.Equal(dtype, Product().dtype);
            Assert.True(Autocast.IsEnabled(DeviceType.CPU));
        }

        Assert.Equal(ScalarType.Float32, Product().dtype);
        AssertOutside();
    }

    [Fact]
    public void Enter_NoType_TakesTheRegionsAroundAndBFloat16OutsideAny()
    {
        using (Autocast.Enter(DeviceType.CPU))
        {
            Assert.Equal(ScalarType.BFloat16, Product().dtype);
        }

        using (Autocast.Enter(DeviceType.CPU, ScalarType.Float16))
        using (Autocast.Enter(DeviceType.CPU))
        {
            Assert.Equal(ScalarType.Float16, Product().dtype);
        }
    }

    [Fact]
    public void Enter_DisabledInside_RunsInFloat32AndThenNarrowAgain()
    {
        using (Autocast.Enter(DeviceType.CPU, ScalarType.BFloat16))
        {
            using (Autocast.Enter(DeviceType.CPU, enabled: false))
            {
                Assert.Equal(ScalarType.Float32, Product().dtype);
                using (Autocast.Enter(DeviceType.CPU, ScalarType.Float16))
                {
                    Assert.Equal(ScalarType.Float16, Product().dtype);
                }

                Assert.False(Autocast.IsEnabled(DeviceType.CPU));
                Assert.Equal(ScalarType.BFloat16, Autocast.Dtype(DeviceType.CPU));
            }

            Assert.Equal(ScalarType.BFloat16, Product().dtype);
        }
    }

    [Fact]
    public void Enter_AnotherTypeInside_CastsTheSameWeightToEach()
    {
        using (Autocast.Enter(DeviceType.CPU, ScalarType.BFloat16))
        {
            Assert.Equal(ScalarType.BFloat16, Product().dtype);
            using (Autocast.Enter(DeviceType.CPU, ScalarType.Float16))
            {
                Assert.Equal(ScalarType.Float16, Product().dtype);
            }

            Assert.Equal(ScalarType.BFloat16, Product().dtype);
        }
    }

    [Fact]
    public void Enter_LeftByException_RestoresEachRegion()
    {
        void Fail()
        {
            using (Autocast.Enter(DeviceType.CPU, ScalarType.Float16, cacheEnabled: false))
            using (Autocast.Enter(DeviceType.CPU, enabled: false, cacheEnabled: true))
            {
                throw new TimeZoneNotFoundException();
            }
        }

        Assert.Throws<TimeZoneNotFoundException>(Fail);

        AssertOutside();
        AssertCaches(expected: true);
    }

    [Fact]
    public void Enter_OnOneThread_LeavesOthersAlone()
    {
        using (Autocast.Enter(DeviceType.CPU, ScalarType.BFloat16))
        {
            OnAnotherThread(() =>
            {
                Assert.False(Autocast.IsEnabled(DeviceType.CPU));
                using DisposeScope scope = NewDisposeScope();
                using (Autocast.Enter(DeviceType.CPU, ScalarType.Float16))
                {
                    Assert.Equal(ScalarType.Float16, ones(2, 2).mm(ones(2, 2)).dtype);
                }

                Assert.Equal(ScalarType.Float32, ones(2, 2).mm(ones(2, 2)).dtype);
            });
            Assert.Equal(ScalarType.BFloat16, Product().dtype);
        }
    }

    [Fact]
    public void Dispose_OnAnotherThread_SaysSoAndChangesNothing()
    {
        Autocast region = Autocast.Enter(DeviceType.CPU, ScalarType.BFloat16);
        OnAnotherThread(() =>
            Assert.Contains("an autocast region is left on another thread", Assert.Throws<InvalidOperationException>(region.Dispose).Message, StringComparison.Ordinal));
        Assert.Equal(ScalarType.BFloat16, Product().dtype);
        region.Dispose();
        AssertOutside();
    }

    [Fact]
    public void Dispose_NotTheInnermost_SaysSoAndChangesNothing()
    {
        Autocast outer = Autocast.Enter(DeviceType.CPU, ScalarType.BFloat16), inner = Autocast.Enter(DeviceType.CPU, ScalarType.Float16);
        Assert.Contains("not the innermost one (number 1 of 2)", Assert.Throws<InvalidOperationException>(outer.Dispose).Message, StringComparison.Ordinal);
        Assert.Equal(ScalarType.Float16, Product().dtype);
        inner.Dispose();
        outer.Dispose();
        AssertOutside();
    }

    [Fact]
    public void Dispose_Twice_LeavesOnce()
    {
        using (Autocast.Enter(DeviceType.CPU, ScalarType.BFloat16))
        {
            Autocast inner = Autocast.Enter(DeviceType.CPU, enabled: false);
            inner.Dispose();
            inner.Dispose();
            Assert.Equal(ScalarType.BFloat16, Product().dtype);
        }

        AssertOutside();
    }

    [Fact]
    public void Enter_WeightUsedTwice_IsCastOnceUntilTheOutermostRegionEnds()
    {
        AssertCaches(expected: true);
        AssertCaches(expected: false, cacheEnabled: false);
        AssertCaches(expected: true);
    }

    [Fact]
    public void Enter_WeightFirstUsedWithoutHistory_HasNoneInTheRegionAndHasItWithoutTheCache()
    {
        bool HasHistory(bool? cacheEnabled)
        {
            using (Autocast.Enter(DeviceType.CPU, ScalarType.BFloat16, cacheEnabled: cacheEnabled))
            {
                using (no_grad())
                {
                    Product();
                }

                return Product().requires_grad;
            }
        }

        Assert.False(HasHistory(cacheEnabled: null));
        Assert.True(HasHistory(cacheEnabled: false));
    }

    [Theory]
    [InlineData(ScalarType.BFloat16)]
    [InlineData(ScalarType.Float16)]
    public void Backward_OutsideTheRegion_GivesFloat32GradientsOfTheNarrowForward(ScalarType dtype)
    {
        // All values are small whole numbers, which the narrow types hold exactly.
        Tensor loss;
        using (Autocast.Enter(DeviceType.CPU, dtype))
        {
            loss = (Product() + Product()).sum(type: ScalarType.Float32);
        }

        loss.backward();

        Assert.Equal(48, loss.item<float>());
        Assert.Equal(ScalarType.Float32, _weight.grad!.dtype);
        Assert.True(_weight.grad.eq(4).all().item<bool>());
    }

    [Fact]
    public void Enter_CudaWithoutADevice_SaysSo()
    {
        Assert.SkipWhen(cuda.is_available(), "There is a CUDA device.");
        Assert.Contains("finds no CUDA device", Assert.Throws<InvalidOperationException>(() => Autocast.Enter(DeviceType.CUDA, ScalarType.Float16)).Message, StringComparison.Ordinal);
        using (Autocast.Enter(DeviceType.CUDA, enabled: false))
        {
            Assert.Equal(ScalarType.Float32, Product().dtype);
        }
    }

    [Fact]
    public void Enter_AnotherTypeOrDevice_IsRefused()
    {
        Assert.Throws<ArgumentException>("dtype", () => Autocast.Enter(DeviceType.CPU, ScalarType.Float32));
        Assert.Throws<ArgumentException>("device", () => Autocast.Enter(DeviceType.META, ScalarType.BFloat16));
        Assert.Throws<ArgumentException>("device", () => Autocast.IsEnabled(DeviceType.META));
        AssertOutside();
    }

    [Fact]
    public void Library_WithoutSomeExports_NamesThem()
    {
        string message = Assert.Throws<NotSupportedException>(() =>
            new AutocastLibrary(name => name.Contains("cache", StringComparison.Ordinal) ? 0 : 1, "TorchSharp 9.9")).Message;
        Assert.Equal(
            "autocast is not available, libtorch lacks _ZN2at8autocast25is_autocast_cache_enabledEv, _ZN2at8autocast26set_autocast_cache_enabledEb, _ZN2at8autocast11clear_cacheEv (TorchSharp 9.9). " +
            "Use float32, or the TorchSharp version that this library was built for (0.107).",
            message);
    }

    // Not linear, to which TorchSharp gives the weight transposed: libtorch keeps the casts of leaves only.
    private Tensor Product() => _input.mm(_weight);

    private float Element() => Product()[0, 0].to(ScalarType.Float32).item<float>();

    private void AssertOutside()
    {
        Assert.False(Autocast.IsEnabled(DeviceType.CPU));
        Assert.Equal(ScalarType.BFloat16, Autocast.Dtype(DeviceType.CPU));
        Assert.Equal(ScalarType.Float32, Product().dtype);
    }

    // A weight that changes inside the region shows whether its cast was kept.
    private void AssertCaches(bool expected, bool? cacheEnabled = null)
    {
        using (Autocast.Enter(DeviceType.CPU, ScalarType.BFloat16, cacheEnabled: cacheEnabled))
        {
            using (Autocast.Enter(DeviceType.CPU, ScalarType.BFloat16))
            {
                Assert.Equal(4, Element());
            }

            Fill(2);
            Assert.Equal(expected ? 4 : 8, Element());
        }

        using (Autocast.Enter(DeviceType.CPU, ScalarType.BFloat16))
        {
            Assert.Equal(8, Element());
        }

        Fill(1);
    }

    private void Fill(double value)
    {
        using (no_grad())
        {
            _weight.fill_(value);
        }
    }

    private static void OnAnotherThread(Action action)
    {
        Exception? error = null;
        var thread = new Thread(() => error = Record.Exception(action));
        thread.Start();
        thread.Join();
        Assert.Null(error);
    }
}
