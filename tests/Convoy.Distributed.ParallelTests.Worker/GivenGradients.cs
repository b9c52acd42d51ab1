using Convoy.Distributed.GradientReduction;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Convoy.Distributed.ParallelTests.Worker;

/// <summary>
/// Parameters whose gradients are chosen: the loss is the sum of parameter times gradient. Every rank can say what the other ranks'
/// are, so it can compute what all ranks should get.
/// </summary>
internal sealed class GivenGradients : IDisposable
{
    private readonly ProcessGroup _group;
    private readonly long[][] _shapes;
    private readonly ScalarType _type;
    private readonly double _size;

    /// <param name="group">The ranks.</param>
    /// <param name="hook">What averages.</param>
    /// <param name="type">The gradients' type.</param>
    /// <param name="size">About how large they are.</param>
    /// <param name="shapes">The parameters' shapes.</param>
    public GivenGradients(ProcessGroup group, ICommunicationHook hook, ScalarType type, double size, params long[][] shapes)
    {
        (_group, _type, _size, _shapes) = (group, type, size, shapes);
        Named = [.. shapes.Select((shape, index) => ($"p{index}", new Parameter(zeros(shape, type).DetachFromDisposeScope())))];

        // A cap so small that there are several buckets.
        Reducer = new Reducer(Named, group, new ReducerOptions { BucketCapMb = 0.0005, FirstBucketCapMb = 0.0001 }) { CommunicationHook = hook };
    }

    public (string Name, Parameter Parameter)[] Named { get; }

    public Reducer Reducer { get; }

    /// <summary>The gradient of a parameter in a step on a rank.</summary>
    public Tensor Given(int parameter, int step, int rank)
    {
        using var generator = new Generator((ulong)((step * 1009) + (rank * 101) + parameter + 1));
        return (randn(_shapes[parameter], float64, generator: generator) * _size).to(_type);
    }

    /// <summary>The mean of the gradients of all ranks, in float64.</summary>
    public Tensor Mean(int parameter, int step) => Enumerable.Range(0, _group.Size).Select(rank => Given(parameter, step, rank).to(float64)).Aggregate((a, b) => a + b) / _group.Size;

    /// <summary>Zeroes, runs backward, and gives the gradients that come of it; requires them to be the same on all ranks.</summary>
    public Tensor[] Step(int step)
    {
        Reducer.ZeroGradients();
        Reducer.Backward(Named.Select((named, index) => (named.Parameter * Given(index, step, _group.Rank)).sum()).Aggregate((a, b) => a + b));
        Tensor[] results = [.. Named.Select(named => named.Parameter.grad!.clone())];
        foreach (Tensor result in results)
        {
            Tensor reference = result.clone();
            _group.Broadcast(reference, 0);
            Expect.Equal(reference, result, $"the gradient on rank {_group.Rank}");
        }

        return results;
    }

    public void Dispose()
    {
        Reducer.Dispose();
        foreach ((_, Parameter parameter) in Named)
        {
            parameter.Dispose();
        }
    }
}
