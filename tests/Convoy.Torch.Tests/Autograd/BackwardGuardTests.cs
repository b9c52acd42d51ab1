using Convoy.Torch.Autograd;
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
}
