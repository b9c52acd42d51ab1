using Convoy.Stress.Kills;

namespace Convoy.Stress;

/// <summary>Long trials of Convoy, each a verb of this program.</summary>
internal static class Program
{
    private const string Usage = $"""
        Usage: Convoy.Stress VERB [OPTIONS]
          {KillsOptions.Usage}
        """;

    public static async Task<int> Main(string[] args)
    {
        switch (args)
        {
            case ["kills", .. string[] options]:
                return await KillsVerb.RunAsync(options);
            default:
                Console.Error.WriteLine(Usage);
                return 2;
        }
    }
}
