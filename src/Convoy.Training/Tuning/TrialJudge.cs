using Convoy.Training.Studies;
namespace Convoy.Training.Tuning;

/// <summary>Decides after each step whether a trial goes on, and keeps the best of the trials that it has judged.</summary>
/// <param name="allowance">How long a trial may go on.</param>
public sealed class TrialJudge(TrialAllowance allowance)
{
    /// <summary>A trial whose fastest of several steps takes this many times the best one's median cannot win: noise does not make up for that.</summary>
    public const double GiveUpFactor = 1.25;

    /// <summary>The same for the first step alone.</summary>
    public const double GiveUpAtOnceFactor = 1.6;

    private double? _best = allowance.BestStepSeconds;

    /// <summary>Whether the trial with these steps is to end, and how; null to go on.</summary>
    /// <param name="steps">Seconds of the steps that count so far.</param>
    public TrialEnd? Judge(IReadOnlyList<double> steps)
    {
        ArgumentNullException.ThrowIfNull(steps);
        if (steps.Count > 0 && steps.Min() > (steps.Count == 1 ? GiveUpAtOnceFactor : GiveUpFactor) * _best)
        {
            return TrialEnd.GivenUp;
        }

        return steps.Count >= allowance.LeastSteps && steps.Sum() + steps.Average() > allowance.SecondsEach ? TrialEnd.Measured : null;
    }

    /// <summary>A trial is over: the next ones have to be measured by it.</summary>
    public void Finish(IReadOnlyList<double> steps)
    {
        ArgumentNullException.ThrowIfNull(steps);
        if (steps.Count > 0)
        {
            double median = StepMedian.Find(steps);
            _best = _best is { } best ? Math.Min(best, median) : median;
        }
    }
}
