using Convoy.Training.Studies;
namespace Convoy.Training.Tuning;

/// <summary>Decides after each update whether a trial goes on, and keeps the best of the trials that it has judged.</summary>
/// <param name="allowance">How long a trial may go on.</param>
public sealed class TrialJudge(TrialAllowance allowance)
{
    /// <summary>A trial whose fastest of several updates takes this many times the best one's median cannot win: noise does not make up for that.</summary>
    public const double GiveUpFactor = 1.25;

    /// <summary>The same for the first update alone.</summary>
    public const double GiveUpAtOnceFactor = 1.6;

    private double? _best = allowance.BestSampleSeconds;

    /// <summary>Whether the trial with these updates is to end, and how; null to go on.</summary>
    /// <param name="updates">Seconds of the updates that count so far.</param>
    /// <param name="batch">What an update is made of.</param>
    public TrialEnd? Judge(IReadOnlyList<double> updates, TrainingBatch batch)
    {
        ArgumentNullException.ThrowIfNull(updates);
        ArgumentNullException.ThrowIfNull(batch);
        if (updates.Count > 0 && updates.Min() / batch.Effective > (updates.Count == 1 ? GiveUpAtOnceFactor : GiveUpFactor) * _best)
        {
            return TrialEnd.GivenUp;
        }

        return updates.Count >= LeastUpdates(allowance.LeastSteps, batch) && updates.Sum() + updates.Average() > allowance.SecondsEach ? TrialEnd.Measured : null;
    }

    /// <summary>A trial is over: the next ones have to be measured by it.</summary>
    public void Finish(IReadOnlyList<double> updates, TrainingBatch batch)
    {
        ArgumentNullException.ThrowIfNull(updates);
        ArgumentNullException.ThrowIfNull(batch);
        if (updates.Count > 0)
        {
            double median = StepMedian.Find(updates) / batch.Effective;
            _best = _best is { } best ? Math.Min(best, median) : median;
        }
    }

    /// <summary>The fewest updates that are made of at least <paramref name="steps"/> steps.</summary>
    internal static int LeastUpdates(int steps, TrainingBatch batch) => (steps + batch.Accumulate - 1) / batch.Accumulate;
}
