using System.Text.Json.Nodes;
using Convoy.Distributed;
using Convoy.Training.Checkpoints;
using Convoy.Training.Tasks;
using static TorchSharp.torch;

namespace Convoy.Training.Loops;

/// <summary>
/// Ends a training whose monitored value no longer gets better, as Lightning's <c>EarlyStopping</c>: a value that is better than the best by more than <c>minDelta</c> is the new
/// best; after <c>patience</c> values in a row that are not, or one that is not finite, it is time to stop. All ranks decide alike, which is checked.
/// </summary>
public sealed class EarlyStopping : ICheckpointPart
{
    private readonly ProcessGroup _group;
    private readonly int _patience;
    private readonly double _minDelta;
    private readonly bool _higherIsBetter;

    /// <summary>Watches a value.</summary>
    /// <param name="group">The ranks; stays the caller's.</param>
    /// <param name="patience">How many values in a row may be no better; at least 1. Default: 3.</param>
    /// <param name="minDelta">By how much more than this a value must be better to count; at least 0. Default: 0.</param>
    /// <param name="higherIsBetter">Whether more is better, as of an accuracy (Lightning's mode <c>max</c>). Default: false, as of a loss.</param>
    /// <exception cref="ArgumentOutOfRangeException">A number is below its range.</exception>
    public EarlyStopping(ProcessGroup group, int patience = 3, double minDelta = 0, bool higherIsBetter = false)
    {
        ArgumentNullException.ThrowIfNull(group);
        ArgumentOutOfRangeException.ThrowIfLessThan(patience, 1);
        if (!(minDelta >= 0 && double.IsFinite(minDelta)))
        {
            throw new ArgumentOutOfRangeException(nameof(minDelta), minDelta, "The smallest difference must be a number of at least 0.");
        }

        (_group, _patience, _minDelta, _higherIsBetter) = (group, patience, minDelta, higherIsBetter);
    }

    /// <summary>The best value; not a number before the first.</summary>
    public double Best { get; private set; } = double.NaN;

    /// <summary>How many values in a row were no better than the best.</summary>
    public int Wait { get; private set; }

    /// <summary>Whether the last value was the best so far, so that its weights are worth keeping.</summary>
    public bool IsImproved { get; private set; }

    /// <summary>Looks at the next value. All ranks call it together.</summary>
    /// <param name="value">The value, the same on all ranks: a mean over them, as of <see cref="MetricTotals.Means"/>.</param>
    /// <returns>Whether to stop; the same on all ranks.</returns>
    /// <exception cref="InvalidOperationException">The ranks have different values. On all ranks.</exception>
    /// <exception cref="DistributedException">Another rank failed.</exception>
    public bool Check(double value)
    {
        RequireSame(value);
        double better = _higherIsBetter ? value - _minDelta : value + _minDelta;
        IsImproved = double.IsFinite(value) && (double.IsNaN(Best) || (_higherIsBetter ? better > Best : better < Best));
        if (IsImproved)
        {
            (Best, Wait) = (value, 0);
            return false;
        }

        Wait++;
        return Wait >= _patience || !double.IsFinite(value);
    }

    /// <inheritdoc/>
    JsonNode? ICheckpointPart.SaveState() => CheckpointJson.ToNode(new State(Best, Wait));

    /// <inheritdoc/>
    void ICheckpointPart.LoadState(JsonNode? state)
    {
        State kept = CheckpointJson.Read<State?>(state, "an early stopping's state") ?? throw new BadInputException("the checkpoint has no state of early stopping. Go on with the program that wrote it, or start in another folder.");
        (Best, Wait, IsImproved) = (kept.Best, kept.Wait, false);
    }

    // Bits instead of numbers, as not a number differs from itself and would be lost in a maximum.
    private void RequireSame(double value)
    {
        long bits = BitConverter.DoubleToInt64Bits(double.IsNaN(value) ? double.NaN : value);
        using Tensor extremes = tensor([bits, ~bits], ScalarType.Int64);
        _group.AllReduce(extremes, ReduceOp.Max);
        long[] seen = extremes.data<long>().ToArray();
        if (seen[0] != ~seen[1])
        {
            throw new InvalidOperationException(FormattableString.Invariant(
                $"the ranks have different values to decide on, {BitConverter.Int64BitsToDouble(~seen[1])} and {BitConverter.Int64BitsToDouble(seen[0])} among them (this is rank {_group.Rank}, with {value}). Average the value over the ranks first, as MetricTotals.Means does."));
        }
    }

    private sealed record State(double Best, int Wait);
}
