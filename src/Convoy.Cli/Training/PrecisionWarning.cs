using Convoy.Lanes.Training;

namespace Convoy.Cli.Training;

/// <summary>Tells, before anything is trained, what is known of a precision that its user may not expect. Training is on processors only.</summary>
internal static class PrecisionWarning
{
    /// <summary>Warns of each of <paramref name="precisions"/> that there is a warning of.</summary>
    public static void Tell(params IEnumerable<Precision> precisions)
    {
        foreach (string warning in precisions.Distinct().Select(precision => precision.Warning()).OfType<string>())
        {
            ConsoleOutput.Warning(warning);
        }
    }
}
