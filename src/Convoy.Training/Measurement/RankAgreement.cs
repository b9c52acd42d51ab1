using Convoy.Distributed;
using static TorchSharp.torch;

namespace Convoy.Training.Measurement;

/// <summary>Numbers of all ranks as one, on which they go so that all come to the same decision. All ranks call it together.</summary>
/// <param name="group">The ranks.</param>
internal sealed class RankAgreement(ProcessGroup group)
{
    /// <summary>The largest of the ranks' numbers.</summary>
    public double Largest(double own) => Reduce(own, ReduceOp.Max);

    /// <summary>The smallest.</summary>
    public double Smallest(double own) => Reduce(own, ReduceOp.Min);

    /// <summary>Their sum.</summary>
    public double Sum(double own) => Reduce(own, ReduceOp.Sum);

    private double Reduce(double own, ReduceOp op)
    {
        using Tensor shared = tensor([own], ScalarType.Float64);
        group.AllReduce(shared, op);
        return shared[0].item<double>();
    }
}
