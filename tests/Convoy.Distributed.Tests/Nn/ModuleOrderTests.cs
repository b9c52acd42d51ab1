using Convoy.Distributed.Nn;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Convoy.Distributed.Tests.Nn;

public sealed class ModuleOrderTests : IDisposable
{
    private readonly DisposeScope _scope = NewDisposeScope();

    // Registered: first (0, 1), middle (2, 3), last (4, 5), recurrent (6 to 9).
    private readonly Layers _all = new();
    private readonly ModuleOrder _order;

    public ModuleOrderTests() => _order = new ModuleOrder(_all, [.. _all.parameters()]);

    public void Dispose()
    {
        _order.Dispose();
        _all.Dispose();
        _scope.Dispose();
    }

    [Fact]
    public void ArrivalOrder_NothingCalled_IsTheReverseOfRegistration() =>
        Assert.Equal([9, 8, 7, 6, 5, 4, 3, 2, 1, 0], _order.ArrivalOrder());

    [Fact]
    public void ArrivalOrder_CalledInAnotherOrder_IsTheReverseOfTheFirstCalls()
    {
        _all.Recurrent.call(ones(1, 1, 2));
        _all.Last.call(_all.First.call(_all.Middle.call(_all.Last.call(ones(2)))));
        Assert.Equal([1, 0, 3, 2, 5, 4, 9, 8, 7, 6], _order.ArrivalOrder());
    }

    [Fact]
    public void ArrivalOrder_ModuleNotCalled_GoesWithThePrecedingOne()
    {
        _all.Recurrent.call(ones(1, 1, 2));
        _all.First.call(_all.Last.call(ones(2)));
        Assert.Equal([3, 2, 1, 0, 5, 4, 9, 8, 7, 6], _order.ArrivalOrder());
    }

    [Fact]
    public void ArrivalOrder_CalledWithoutGradientsOrAfterDispose_IsNotSeen()
    {
        using (no_grad())
        {
            _all.First.call(ones(2));
        }

        _order.Dispose();
        _all.Middle.call(ones(2));
        Assert.Equal([9, 8, 7, 6, 5, 4, 3, 2, 1, 0], _order.ArrivalOrder());
    }

    private sealed class Layers : nn.Module
    {
        public Layers()
            : base(nameof(Layers)) => RegisterComponents();

        public Linear First { get; } = nn.Linear(2, 2);

        public Linear Middle { get; } = nn.Linear(2, 2);

        public Linear Last { get; } = nn.Linear(2, 2);

        public LSTM Recurrent { get; } = nn.LSTM(2, 2);
    }
}
