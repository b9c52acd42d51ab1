using System.Runtime.InteropServices;
using Convoy.Torch.Autograd;
using Convoy.Torch.Interop;
using TorchSharp;
using static TorchSharp.torch;

namespace Convoy.Torch.Tests.Autograd;

public sealed class BackwardGuardTests
{
    [Fact]
    public void Enter_AfterAFailedBackwardPass_ThrowsItOnce()
    {
        using var scope = NewDisposeScope();
        using var guard = new BackwardGuard();

        List<Tensor> gradients = guard.Run(3, ones(1), _ => throw new InvalidOperationException("planted"));

        Assert.Equal([null!, null!, null!], gradients);
        Assert.Equal("planted", Assert.Throws<InvalidOperationException>(guard.Enter).Message);
        guard.Enter();
    }

    [Fact]
    public void Run_ComputeFailsInAPass_BackwardThrowsItAndEnterDoesNot()
    {
        Assert.SkipUnless(AutogradEngine.IsSupported, AutogradEngine.Fault ?? "");
        using var scope = NewDisposeScope();
        using var guard = new BackwardGuard();
        Tensor weight = ones(2, requires_grad: true);
        Tensor loss = Failing.apply(weight * 2, guard).sum();

        Assert.Equal("planted", Assert.Throws<ExternalException>(() => loss.backward()).Message);
        Assert.Null(weight.grad);
        guard.Enter();
    }

    [Fact]
    public void Run_ComputeFailsInAPassOfGrad_EnterThrowsIt()
    {
        using var scope = NewDisposeScope();
        using var guard = new BackwardGuard();
        Tensor weight = ones(2, requires_grad: true);

        autograd.grad([Failing.apply(weight * 2, guard).sum()], [weight], allow_unused: true);

        Assert.Equal("planted", Assert.Throws<InvalidOperationException>(guard.Enter).Message);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public unsafe void Run_WithAContext_FreesWhatWasSavedUnlessThePassKeepsItsGraph(bool keepsGraph)
    {
        Assert.SkipUnless(AutogradEngine.IsSupported, AutogradEngine.Fault ?? "");
        using var scope = NewDisposeScope();
        using var guard = new BackwardGuard();
        byte* memory = (byte*)NativeMemory.AllocZeroed(4, sizeof(float));
        bool isFreed = false;
        Tensor saved = TensorMemory.Wrap(memory, 4, ScalarType.Float32, () => isFreed = true), weight = ones(4, requires_grad: true);
        Tensor loss = Saving.apply(weight, saved, guard).sum();
        saved.Dispose();
        Assert.False(isFreed);

        loss.backward(retain_graph: keepsGraph);

        Assert.Equal(!keepsGraph, isFreed);
        if (!keepsGraph)
        {
            Assert.Contains("retain_graph", Assert.Throws<ExternalException>(() => loss.backward()).Message);
        }
        else
        {
            loss.backward();
            Assert.True(isFreed);
        }

        NativeMemory.Free(memory);
    }

    [Fact]
    public void Run_GradientsMadeInAScope_OutliveItUntilEnter()
    {
        using var guard = new BackwardGuard();
        Tensor kept, output;
        using (NewDisposeScope())
        {
            output = ones(1);
            kept = guard.Run(2, output, _ => [ones(2), null])[0];
            Assert.True(output.IsInvalid);
        }

        Assert.Equal(2, kept.sum().item<float>());
        guard.Enter();
        Assert.True(kept.IsInvalid);
    }

    private sealed class Failing : autograd.SingleTensorFunction<Failing>
    {
        public override string Name => nameof(Failing);

        public override Tensor forward(autograd.AutogradContext ctx, params object[] vars)
        {
            ctx.save_data("guard", vars[1]);
            return ((Tensor)vars[0]).clone();
        }

        public override List<Tensor> backward(autograd.AutogradContext ctx, Tensor grad_output) =>
            ((BackwardGuard)ctx.get_data("guard")).Run(2, grad_output, _ => throw new InvalidOperationException("planted"));
    }

    // Arguments: the input, a tensor to save, the guard. Gives the input.
    private sealed class Saving : autograd.SingleTensorFunction<Saving>
    {
        public override string Name => nameof(Saving);

        public override Tensor forward(autograd.AutogradContext ctx, params object[] vars)
        {
            ctx.save_for_backward([(Tensor)vars[1]]);
            ctx.save_data(nameof(BackwardGuard), vars[2]);
            return ((Tensor)vars[0]).clone();
        }

        public override List<Tensor> backward(autograd.AutogradContext ctx, Tensor grad_output) =>
            ((BackwardGuard)ctx.get_data(nameof(BackwardGuard))).Run(3, grad_output, gradient => [gradient + ctx.get_saved_variables()[0], null, null], context: ctx);
    }
}
