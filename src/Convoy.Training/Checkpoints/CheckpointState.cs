using System.Text.Json.Nodes;
using Convoy.Training.Tasks;

namespace Convoy.Training.Checkpoints;

/// <summary>A checkpoint's <c>state.json</c>: where the run stood. Everything else follows from the step's number.</summary>
public sealed record CheckpointState
{
    /// <summary>Steps done.</summary>
    public required long Step { get; init; }

    /// <summary>Seconds of training up to here, over all sessions of the run.</summary>
    public required double ElapsedTime { get; init; }

    /// <summary>The gradient scaler under PyTorch's keys, null where the run needs none.</summary>
    public IReadOnlyDictionary<string, double>? GradScaler { get; init; }

    /// <summary>What an evaluation of these weights gave; null where there was none.</summary>
    public IReadOnlyDictionary<string, double>? Metrics { get; init; }

    /// <summary>What the task keeps to know its model again, beside the other entries of the file; null for nothing.</summary>
    public JsonObject? Task { get; init; }

    /// <summary>The value of the metric that <paramref name="goal"/> names; not a number where there is none.</summary>
    public double Metric(MetricGoal goal)
    {
        ArgumentNullException.ThrowIfNull(goal);
        return Metrics is not null && Metrics.TryGetValue(goal.Name, out double value) ? value : double.NaN;
    }
}
