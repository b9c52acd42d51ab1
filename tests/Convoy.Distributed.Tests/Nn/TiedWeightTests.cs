using Convoy.Distributed.Backends.Single;
using Convoy.Distributed.Nn;
using Convoy.Distributed.Optim;
using Convoy.Torch.Interop;
using Convoy.Torch.Optim;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Convoy.Distributed.Tests.Nn;

/// <summary>
/// A weight that an embedding and the layer after it share is one weight, though TorchSharp has two handles of it: 3 w w with w = 2 has the gradient 6 w = 12, for all that updates, counts or clips it.
/// </summary>
public sealed class TiedWeightTests : IDisposable
{
    private readonly DisposeScope _scope = NewDisposeScope();
    private readonly ProcessGroupSingle _group = new();
    private readonly Tied _network = new();
    private readonly DistributedDataParallel<Tensor, Tensor> _model;

    public TiedWeightTests() => _model = new DistributedDataParallel<Tensor, Tensor>(_network, _group);

    public void Dispose()
    {
        _model.Dispose();
        _network.Dispose();
        _group.Dispose();
        _scope.Dispose();
    }

    [Fact]
    public void Parameters_OfTheWrapper_HaveItOnceUnderItsFirstNameAndTheStateUnderBoth()
    {
        Assert.Equal(2, _network.parameters().Count()); // What it is about.
        Assert.Equal(["first.weight"], _model.named_parameters().Select(p => p.name));
        Assert.Single(_model.parameters());
        Assert.Equal(["first.weight", "second.weight"], _model.state_dict().Keys);
        Assert.Single(_model.Reducer.Buckets.Single().Parameters);
    }

    [Fact]
    public void Step_TorchSharpsOptimizerOfTheWrappersParameters_UpdatesItOnce()
    {
        using optim.Optimizer optimizer = optim.SGD(_model.parameters(), 0.125);
        _model.call(zeros(1, int64)).sum().backward();
        Assert.Equal(12f, _network.First.weight!.grad!.item<float>());
        optimizer.step();
        Assert.Equal(2 - (0.125f * 12), _network.First.weight.item<float>());
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Step_FusedAdamWAndZero_UpdateItOnceAlsoWhenItIsGivenTwice(bool shards)
    {
        // AdamW's first update is the learning rate by the gradient's sign; with the decay of 0.5 times the weight before.
        using optim.Optimizer optimizer = shards
            ? new ZeroRedundancyOptimizer(_network.parameters(), _group, own => new FusedAdamW(own, 0.25, weight_decay: 0.5))
            : new FusedAdamW(_network.parameters(), 0.25, weight_decay: 0.5);
        _model.call(zeros(1, int64)).sum().backward();
        optimizer.step();
        Assert.Equal((2 * (1 - (0.25f * 0.5f))) - 0.25f, _network.First.weight!.item<float>(), 1e-6f);
        Assert.Equal(_network.First.weight.item<float>(), _network.Second.weight!.item<float>());
    }

    [Fact]
    public void Norm_OfTheWrappersParameters_CountsItOnce()
    {
        _model.call(zeros(1, int64)).sum().backward();
        Assert.Equal(12, nn.utils.clip_grad_norm_(_model.parameters(), 6), 1e-5);
        Assert.Equal(6, _network.First.weight!.grad!.item<float>(), 1e-4f);
        using var fused = new FusedAdamW(_network.parameters()) { MaxNorm = 100 };
        fused.step();
        Assert.Equal(6, fused.LastTotalNorm, 1e-4);
    }

    private sealed class Tied : nn.Module<Tensor, Tensor>
    {
        public Tied()
            : base(nameof(Tied))
        {
            nn.init.constant_(First.weight!, 2);
            Second.weight = First.weight!;
            register_module("first", First);
            register_module("second", Second);
            Assert.True(AutogradVersion.AreSame(First.weight!, Second.weight!));
        }

        public Embedding First { get; } = nn.Embedding(1, 1);

        public Linear Second { get; } = nn.Linear(1, 1, hasBias: false);

        public override Tensor forward(Tensor input) => Second.call(First.call(input) * 3);
    }
}
