namespace Convoy.Training.Studies;

/// <summary>The one figure by which trials are compared, ended and shown: a step that was disturbed does not change it. Four lines do not need MathNet, which only Convoy.Analysis refers to.</summary>
public static class StepMedian
{
    /// <summary>The middle value, or the mean of the two in the middle.</summary>
    /// <param name="seconds">Seconds of steps, in any order; at least one.</param>
    public static double Find(IReadOnlyList<double> seconds)
    {
        ArgumentNullException.ThrowIfNull(seconds);
        double[] sorted = [.. seconds.Order()];
        return (sorted[(sorted.Length - 1) / 2] + sorted[sorted.Length / 2]) / 2;
    }
}
