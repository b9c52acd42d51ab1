using Convoy.Analysis.Runs;

namespace Convoy.Analysis.Tests;

/// <summary>Runs of which nothing is known but their time.</summary>
internal static class Times
{
    public static Run Run((int Processes, double Seconds) time) => Run(new Configuration(time.Processes), time.Seconds);

    public static Run Run(Configuration configuration, params double[] seconds) =>
        new() { Configuration = configuration, Source = configuration.ToString(), Basis = TimeBasis.Run, Samples = seconds };
}
