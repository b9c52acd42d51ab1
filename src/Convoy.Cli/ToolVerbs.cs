using System.CommandLine;
using Convoy.Lanes.Training;

namespace Convoy.Cli;

/// <summary>What the verbs are in a program without <see cref="Libtorch"/>: those that compute themselves say where they work, and the lane detector's options are not shown.</summary>
internal static class ToolVerbs
{
    private const string Program = "Give the program and its arguments after --.";

    // Verbs that run the lane detector when no program is given, as they are where one has to be.
    private static readonly Dictionary<string, string> OfPrograms = new()
    {
        ["train"] = $"Trains your program's model on N processes, and writes a run directory. {Program} Its Main returns TrainingProgram.Run.",
        ["scale"] = $"Runs your program at every number of processes, threads and precision, and reports how its training scales, why, and which configuration to use. {Program}",
        ["tune"] = $"Finds the fastest processes, threads, precision, memory format, batch with its accumulation, and loader threads of your program on this machine by short trials, and writes them for train --config. An option that is given is not tuned. {Program}",
        ["bench step"] = $"Measures training steps of your program on its first batch, beside what the machine's arithmetic allows. {Program}",
    };

    private static readonly string[] OfAClone = ["eval", "predict", "bench convolution", "bench loader", "bench allreduce"];

    /// <summary>Changes the verbs.</summary>
    public static void Apply(RootCommand root)
    {
        foreach (Command verb in root.Subcommands)
        {
            Apply(verb, verb.Name);
        }
    }

    private static void Apply(Command verb, string path)
    {
        if (OfPrograms.TryGetValue(path, out string? description))
        {
            verb.Description = description;
            HideOptionsOfLanes(verb);
        }
        else if (OfAClone.Contains(path))
        {
            Withhold(verb, path);
        }

        foreach (Command below in verb.Subcommands)
        {
            Apply(below, $"{path} {below.Name}");
        }
    }

    private static void HideOptionsOfLanes(Command verb)
    {
        string[] lanes = ["--data", .. LaneOptions.Table.Rows.SelectMany(row => row.IsSwitch ? (string[])[row.Name, row.OffName] : [row.Name])];
        foreach (Option option in verb.Options.Where(option => lanes.Contains(option.Name)))
        {
            option.Hidden = true;
        }
    }

    private static void Withhold(Command verb, string path)
    {
        verb.Description = $"Only in a clone of Convoy's repository, since it needs libtorch: {verb.Description}";
        verb.Options.Clear();
        verb.Arguments.Clear();
        verb.TreatUnmatchedTokensAsErrors = false; // whatever follows, the one thing to say is where the verb works
        verb.SetAction(int (_) => throw Libtorch.Missing($"convoy {path}", $"Run ./convoy {path} in a clone of Convoy's repository."));
    }
}
