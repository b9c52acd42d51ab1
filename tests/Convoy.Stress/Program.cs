using Convoy.Stress.Kills;
using Convoy.Stress.Mutants;

namespace Convoy.Stress;

/// <summary>Long trials of Convoy, each a verb of this program.</summary>
internal static class Program
{
    private const string Usage = $"""
        Usage: Convoy.Stress VERB [OPTIONS]
          {KillsOptions.Usage}
          {MutantsVerb.Usage}
        """;

    public static async Task<int> Main(string[] args)
    {
        switch (args)
        {
            case ["kills", .. string[] options]:
                return await KillsVerb.RunAsync(options);
            case ["mutants", .. string[] options]:
                return MutantsVerb.Run(options);
            case [MutantTrial.WorkerVerb, string reader, string seed, string first, string end, string folder]:
                return MutantsVerb.RunWorker(reader, seed, first, end, folder);
            default:
                Console.Error.WriteLine(Usage);
                return 2;
        }
    }
}
