using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Convoy.Distributed.ParallelTests.Worker;

/// <summary>Multiplies its input by one of three weights, or by two, and by a buffer.</summary>
internal sealed class BranchNetwork : nn.Module<Tensor, Tensor>
{
    private readonly Parameter[] _weights = [new(ones(1)), new(ones(1)), new(ones(1))];
    private readonly Tensor _factor = ones(1);

    public BranchNetwork()
        : base(nameof(BranchNetwork))
    {
        for (int i = 0; i < _weights.Length; i++)
        {
            register_parameter(FormattableString.Invariant($"weight{i}"), _weights[i]);
        }

        register_buffer("factor", _factor);
    }

    /// <summary>Which weights the next forward pass uses.</summary>
    public int[] Uses { get; set; } = [0, 1, 2];

    public Tensor Factor => _factor;

    public Parameter Weight(int index) => _weights[index];

    public override Tensor forward(Tensor input)
    {
        using var scope = NewDisposeScope();
        return Uses.Aggregate(input * _factor, (x, use) => x * _weights[use]).MoveToOuterDisposeScope();
    }
}
