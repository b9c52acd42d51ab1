using System.Globalization;
using Convoy.Distributed.Launch;

namespace Convoy.Samples.DataParallel;

/// <summary>
/// <c>dotnet run -c Release -- single</c> trains in this process, <c>-- parallel 4</c> on four. The second starts this program again
/// four times, as <c>convoy launch --nproc 4 -- dotnet run -c Release -- parallel</c> would.
/// </summary>
internal static class Program
{
    private const int Epochs = 5;
    private const int BatchSize = 64;

    private static int Main(string[] arguments)
    {
        switch (arguments)
        {
            case ["single"]:
                SingleProcess.Train(Epochs, BatchSize);
                return 0;
            case ["parallel", .. var rest] when Processes(rest) is { } processes:
                return DistributedProgram.Run(processes, group => DataParallelTraining.Train(group, Epochs, BatchSize));
            default:
                Console.Error.WriteLine(FormattableString.Invariant($"usage: DataParallel single | parallel [N]   (N divides the global batch of {BatchSize})"));
                return 2;
        }
    }

    private static int? Processes(string[] words) => words switch
    {
        [] => 1,
        [var text] when int.TryParse(text, CultureInfo.InvariantCulture, out int count) && count > 0 && BatchSize % count == 0 => count,
        _ => null,
    };
}
