using Convoy.Distributed.Backends.Single;
using Convoy.Distributed.Nn;
using Convoy.Torch.Optim;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Convoy.Distributed.Tests.Nn;

/// <summary>Where plain <c>loss.backward()</c> does not average: who forgets <c>Backward</c> is told, and nobody else.</summary>
public sealed class BackwardReminderTests : IDisposable
{
    private const string Named = "Call model.Backward(loss) in its place";

    private readonly DisposeScope _scope = NewDisposeScope();
    private readonly ProcessGroupSingle _group = new();
    private readonly Linear _network = nn.Linear(4, 3);
    private readonly DistributedDataParallel<Tensor, Tensor> _model;
    private readonly FusedAdamW _optimizer;

    public BackwardReminderTests()
    {
        _model = new DistributedDataParallel<Tensor, Tensor>(_network, _group, new DistributedDataParallelOptions { AverageInBackward = false });
        _optimizer = new FusedAdamW(_model.parameters());
    }

    public void Dispose()
    {
        _optimizer.Dispose();
        _network.Dispose();
        _group.Dispose();
        _scope.Dispose();
    }

    [Fact]
    public void Forward_UpdatedWithoutBackward_NamesTheCallAndDisposeDoesNotHideIt()
    {
        Assert.False(_model.AveragesInBackward);
        Loss().backward();
        _optimizer.step();
        Assert.Contains(Named, Assert.Throws<InvalidOperationException>(() => Loss()).Message, StringComparison.Ordinal);
        _model.Dispose();
    }

    [Fact]
    public void StateDict_UpdatedWithoutBackward_NamesTheCall()
    {
        Loss().backward();
        _optimizer.step();
        Assert.Contains(Named, Assert.Throws<InvalidOperationException>(() => _model.state_dict()).Message, StringComparison.Ordinal);
        _model.Dispose();
    }

    [Fact]
    public void Dispose_UpdatedWithoutBackward_NamesTheCallAndReleasesTheModel()
    {
        Loss().backward();
        _optimizer.step();
        Assert.Contains(Named, Assert.Throws<InvalidOperationException>(() => _model.Dispose()).Message, StringComparison.Ordinal);
        _model.Dispose();
        Assert.False(_network.weight!.IsInvalid);
    }

    [Fact]
    public void Calls_OfAProgramThatRemembers_AreTaken()
    {
        for (int step = 0; step < 3; step++)
        {
            // For a look at the outputs, with gradients and without.
            Loss();
            using (no_grad())
            {
                Loss();
            }

            // Zeroed between two forward passes, clipped between backward and the update.
            Tensor first = Loss();
            _optimizer.zero_grad();
            _model.Backward(first + Loss());
            nn.utils.clip_grad_norm_(_model.parameters(), 0.1);
            _optimizer.step();
            _model.ZeroGrad();
            _model.state_dict();
        }

        // A last look, and weights from elsewhere.
        Loss();
        _network.load_state_dict(_network.state_dict().ToDictionary(entry => entry.Key, entry => entry.Value * 2));
        Loss();
        _model.Dispose();
    }

    [Fact]
    public void Calls_PlainBackwardWithoutAnUpdate_AreTaken()
    {
        Loss().backward();
        _model.ZeroGrad();
        _model.Backward(Loss());
        _optimizer.step();
        _model.Dispose();
    }

    [Fact]
    public void Forward_WeightsLoadedAndGradientsZeroedAfterALook_IsTaken()
    {
        Loss();
        _model.load_state_dict(_network.state_dict().ToDictionary(entry => entry.Key, entry => entry.Value * 2));
        _optimizer.zero_grad();
        Loss();
        _model.Dispose();
    }

    private Tensor Loss() => _model.call(ones(2, 4)).square().mean();
}
