
namespace Convoy.Training.Tuning;

/// <summary>Gathers what a group of trials tells.</summary>
/// <param name="trials">The group's trials in order.</param>
/// <param name="leastSteps">Steps that a trial needs to count.</param>
internal sealed class TrialResults(IReadOnlyList<TuningConfiguration> trials, int leastSteps)
{
    private readonly List<double>[] _steps = [.. trials.Select(_ => new List<double>())];
    private readonly TrialEnd?[] _ends = new TrialEnd?[trials.Count];

    /// <summary>Rank 0 told something; what is of no trial of the group counts for nothing.</summary>
    public void Add(TrialEvent what)
    {
        if (what.Trial >= trials.Count)
        {
            return;
        }

        if (what.StepSeconds is { } seconds)
        {
            _steps[what.Trial].Add(seconds);
        }

        if (what.End is { } end)
        {
            _ends[what.Trial] = Enum.Parse<TrialEnd>(end);
        }
    }

    /// <summary>The results, when the processes are gone.</summary>
    /// <param name="failure">Why they failed; null when they did not.</param>
    /// <returns>One for each trial; after a failure up to the trial that failed.</returns>
    public IReadOnlyList<TrialResult> Of(string? failure)
    {
        int failed = failure is null ? -1 : Array.FindIndex(_ends, end => end is null);
        return
        [
            .. trials.Take(failed < 0 ? trials.Count : failed + 1)
                .Select((c, i) => i == failed ? new TrialResult(c, [], TrialEnd.Failed, failure) : Result(c, i)),
        ];
    }

    // One that the end of the time cut off counts when it came far enough.
    private TrialResult Result(TuningConfiguration configuration, int index)
    {
        TrialEnd end = _ends[index] is { } told and not TrialEnd.NotTried ? told
            : _steps[index].Count >= leastSteps ? TrialEnd.Measured : TrialEnd.NotTried;
        return new TrialResult(configuration, end == TrialEnd.NotTried ? [] : _steps[index], end);
    }
}
