using System.Text.Json.Nodes;
using Convoy.Distributed.Optim;
using static TorchSharp.torch;

namespace Convoy.Training.Checkpoints;

/// <summary>An optimizer's state and its learning rates.</summary>
/// <param name="optimizer">The optimizer.</param>
/// <param name="namesOf">The names of an optimizer's parameters, in its order.</param>
internal class OptimizerPart(optim.Optimizer optimizer, Func<optim.Optimizer, IReadOnlyList<string>> namesOf) : ContentPart
{
    public override bool Write(string path)
    {
        OptimizerStateFile.Save(optimizer, namesOf(optimizer), path);
        return true;
    }

    public override void Load(string path) => OptimizerStateFile.Load(optimizer, namesOf(optimizer), path);

    // TorchSharp's schedulers go on from the rates that the optimizer has.
    public override JsonNode? SaveState() => CheckpointJson.ToNode(new LearningRates(
        [.. optimizer.ParamGroups.Select(group => group.LearningRate)], [.. optimizer.ParamGroups.Select(group => group.InitialLearningRate)]));

    public override void LoadState(JsonNode? state)
    {
        LearningRates? rates = CheckpointJson.Read<LearningRates?>(state, "an optimizer's learning rates");
        optim.ILearningRateController[] groups = [.. optimizer.ParamGroups];
        if (rates?.Present is null || rates.Initial is null || rates.Present.Length != groups.Length || rates.Initial.Length != groups.Length)
        {
            throw new BadInputException(
                "the checkpoint's optimizer has other groups of parameters", FormattableString.Invariant($"{rates?.Present?.Length ?? 0} instead of {groups.Length}"), "Go on with the optimizer that the run began with.");
        }

        for (int i = 0; i < groups.Length; i++)
        {
            (groups[i].LearningRate, groups[i].InitialLearningRate) = (rates.Present[i], rates.Initial[i]);
        }
    }

    private sealed record LearningRates(double[] Present, double[] Initial);
}

/// <summary>An optimizer whose state is spread over the ranks: the file has all of it, as if one process had trained.</summary>
/// <param name="optimizer">The optimizer.</param>
/// <param name="namesOf">The names of an optimizer's parameters, in its order.</param>
internal sealed class ShardedOptimizerPart(ZeroRedundancyOptimizer optimizer, Func<optim.Optimizer, IReadOnlyList<string>> namesOf) : OptimizerPart(optimizer, namesOf)
{
    private readonly Func<optim.Optimizer, IReadOnlyList<string>> _namesOf = namesOf;
    private optim.Optimizer? _whole;

    public override void Gather() => _whole = optimizer.ConsolidateState();

    public override void Release()
    {
        _whole?.Dispose();
        _whole = null;
    }

    public override bool Write(string path)
    {
        OptimizerStateFile.Save(_whole!, _namesOf(_whole!), path);
        return true;
    }

    public override void Load(string path)
    {
        Gather();
        try
        {
            if (_whole is not null)
            {
                OptimizerStateFile.Load(_whole, _namesOf(_whole), path);
            }

            optimizer.LoadState(_whole);
        }
        finally
        {
            Release();
        }
    }
}
