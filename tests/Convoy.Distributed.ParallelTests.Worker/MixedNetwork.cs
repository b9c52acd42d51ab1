using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Convoy.Distributed.ParallelTests.Worker;

/// <summary>
/// What models in the wild do: parameters are registered in another order than used, one layer is used twice, one parameter has
/// no module, one layer is frozen, one is called without its hooks, containers are nested, ReLU works in place on its input and
/// on the network's own. In float64, where ReLU does not turn rounding into other gradients.
/// </summary>
internal sealed class MixedNetwork : nn.Module<Tensor, Tensor>
{
    public const int Features = 12;

    private readonly nn.Module<Tensor, Tensor> _head = nn.Linear(Features, 3, dtype: float64);
    private readonly Parameter _scale = new(ones(Features, float64));
    private readonly Parameter _empty = new(zeros(0, 4, float64));
    private readonly nn.Module<Tensor, Tensor> _shared = nn.Linear(Features, Features, dtype: float64);
    private readonly Linear _functional = nn.Linear(Features, Features, dtype: float64);
    private readonly nn.Module<Tensor, Tensor> _frozen = nn.Linear(Features, Features, dtype: float64);
    private readonly nn.Module<Tensor, Tensor> _nested = nn.Sequential(
        ("inner", nn.Sequential(("first", nn.Linear(Features, Features, dtype: float64)), ("relu", nn.ReLU(inplace: true)), ("norm", nn.BatchNorm1d(Features, dtype: float64)))),
        ("relu", nn.ReLU(inplace: true)),
        ("second", nn.Linear(Features, Features, dtype: float64)));

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
