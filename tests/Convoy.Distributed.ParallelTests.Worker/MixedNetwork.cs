using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Convoy.Distributed.ParallelTests.Worker;

/// <summary>
/// What models in the wild do: parameters are registered in another order than used, one layer is used twice, one parameter has
/// no module, one layer is frozen, one is called without its hooks, containers are nested, ReLU works in place on its input and
/// on the network's own.
/// </summary>
internal sealed class MixedNetwork : nn.Module<Tensor, Tensor>
{
    public const int Features = 12;

    private readonly nn.Module<Tensor, Tensor> _head = nn.Linear(Features, 3);
    private readonly Parameter _scale = new(ones(Features));
    private readonly Parameter _empty = new(zeros(0, 4));
    private readonly nn.Module<Tensor, Tensor> _shared = nn.Linear(Features, Features);
    private readonly Linear _functional = nn.Linear(Features, Features);
    private readonly nn.Module<Tensor, Tensor> _frozen = nn.Linear(Features, Features);
    private readonly nn.Module<Tensor, Tensor> _nested = nn.Sequential(
        ("inner", nn.Sequential(("first", nn.Linear(Features, Features)), ("relu", nn.ReLU(inplace: true)), ("norm", nn.BatchNorm1d(Features)))),
        ("relu", nn.ReLU(inplace: true)),
        ("second", nn.Linear(Features, Features)));

    public MixedNetwork()
        : base(nameof(MixedNetwork))
    {
        RegisterComponents();
        foreach (Parameter parameter in _frozen.parameters())
        {
            parameter.requires_grad = false;
        }
    }

    public override Tensor forward(Tensor input)
    {
        using var scope = NewDisposeScope();
        Tensor x = input * 2;
        x = _nested.call(x.relu_()) + x; // The residual must see the change in place.
        x = _shared.call(_frozen.call(_shared.call(x)).relu_());
        x = nn.functional.linear(x, _functional.weight!, _functional.bias) * _scale;
        return (_head.call(x) + _empty.sum()).MoveToOuterDisposeScope();
    }
}
