namespace Convoy.Analysis.Statistics;

/// <summary>
/// The rule by which a run's first steps are left out: memory is being allocated, caches are cold and code is being
/// compiled. A tenth of the steps, at least 2 and at most 20, never more than half, rounded up to whole updates.
/// </summary>
public static class WarmUp
{
    private const int Least = 2;
    private const int Most = 20;
    private const double Share = 0.1;

    /// <summary>How many of <paramref name="steps"/> steps to leave out.</summary>
    /// <param name="steps">Steps of the run.</param>
    /// <param name="stepsPerUpdate">Steps of one optimizer update; what is left out is a multiple of it.</param>
    public static int StepsToLeaveOut(int steps, int stepsPerUpdate = 1)
    {
        int wanted = Math.Clamp((int)Math.Ceiling(steps * Share), Least, Most);
        int whole = (wanted + stepsPerUpdate - 1) / stepsPerUpdate * stepsPerUpdate;
        int half = steps / 2 / stepsPerUpdate * stepsPerUpdate;
        return Math.Min(whole, half);
    }
}
