using System.Runtime.CompilerServices;
using Convoy.Torch.Autograd;
using TorchSharp;
using static TorchSharp.torch;

namespace Convoy.Torch.Tests.Autograd;

public sealed class GradientHookTests : IDisposable
{
    private readonly DisposeScope _scope;

    public GradientHookTests()
    {
        Assert.SkipUnless(AutogradEngine.IsSupported, AutogradEngine.Fault ?? "");
        _scope = NewDisposeScope();
    }

    public void Dispose() => _scope?.Dispose();

    [Fact]
    public void Hook_OnALeaf_RunsBeforeItsGradientIsAddedAndLeavesItAsItIs()
    {
        Tensor weight = ones(2, requires_grad: true);
        var grads = new List<Tensor?>();
        using var hook = new GradientHook(weight, () => grads.Add(weight.grad));
        (weight * 4).sum().backward();
        Assert.Equal([null], grads);
        Assert.Equal([4f, 4f], weight.grad!.data<float>().ToArray());
    }

    [Fact]
    public void Hook_OnAnOutput_RunsBeforeTheLeafsHook()
    {
        Tensor weight = ones(2, requires_grad: true);
        var order = new List<string>();
        using var leaf = new GradientHook(weight, () => order.Add("leaf"));
        Tensor output = weight * 4;
        using var hook = new GradientHook(output, () => order.Add("output"));
        (output * output).sum().backward();
        Assert.Equal(["output", "leaf"], order);
        Assert.Equal([32f, 32f], weight.grad!.data<float>().ToArray());
    }

    [Fact]
    public void Dispose_OneOfTwo_LeavesTheOther()
    {
        Tensor weight = ones(2, requires_grad: true);
        int first = 0, second = 0;
        var gone = new GradientHook(weight, () => first++);
        using var stays = new GradientHook(weight, () => second++);
        gone.Dispose();
        gone.Dispose();
        weight.sum().backward();
        Assert.Equal((0, 1), (first, second));
    }

    [Fact]
    public void Dispose_TensorIsDisposed_DoesNothing()
    {
        Tensor weight = ones(2, requires_grad: true);
        var hook = new GradientHook(weight, () => { });
        weight.Dispose();
        hook.Dispose();
        Assert.True(weight.IsInvalid);
    }

    [Fact]
    public void Hook_RequiresNoGradient_IsRefused() =>
        Assert.Contains("requires no gradient", Assert.Throws<ArgumentException>(() => new GradientHook(ones(2), () => { })).Message, StringComparison.Ordinal);

    [Fact]
    public void Hook_GraphIsFreed_FreesWhatItHeld()
    {
        WeakReference held = Make();
        for (int i = 0; i < 10 && held.IsAlive; i++)
        {
            GC.Collect(GC.MaxGeneration, GCCollectionMode.Forced, blocking: true);
            GC.WaitForPendingFinalizers();
        }

        Assert.False(held.IsAlive);

        [MethodImpl(MethodImplOptions.NoInlining)]
        static WeakReference Make()
        {
            using var scope = NewDisposeScope();
            object held = new();
            Tensor output = ones(2, requires_grad: true) * 2;
            _ = new GradientHook(output, () => held.ToString());
            output.sum().backward();
            return new WeakReference(held);
        }
    }
}
