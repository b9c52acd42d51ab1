using Convoy.Lanes.Autograd;
using static TorchSharp.torch;

namespace Convoy.Lanes.Tests.Autograd;

public sealed class BackwardGuardTests
{
    [Fact]
    public void Enter_AfterAFailedBackwardPass_ThrowsItOnce()
    {
        using var guard = new BackwardGuard();

        List<Tensor> gradients = guard.Run(3, () => throw new InvalidOperationException("planted"));

        Assert.Equal([null!, null!, null!], gradients);
        Assert.Equal("planted", Assert.Throws<InvalidOperationException>(guard.Enter).Message);
        guard.Enter();
    }

    [Fact]
    public void Run_GradientsMadeInAScope_OutliveItUntilEnter()
    {
        using var guard = new BackwardGuard();
        Tensor kept;
        using (NewDisposeScope())
        {
            kept = guard.Run(2, () => [ones(2), null])[0];
        }

        Assert.Equal(2, kept.sum().item<float>());
        guard.Enter();
        Assert.True(kept.IsInvalid);
    }
}
