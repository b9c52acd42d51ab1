using System.Globalization;
using Convoy.Training;

namespace Convoy.Cli;

/// <summary>What several verbs check before they start.</summary>
internal static class CommandLineChecks
{
    /// <summary>Refuses a number of threads below 1.</summary>
    public static void Threads(int threads)
    {
        if (threads < 1)
        {
            throw new BadInputException("not a number of threads", threads.ToString(CultureInfo.InvariantCulture), "Give --threads 1 or more.");
        }
    }
}
