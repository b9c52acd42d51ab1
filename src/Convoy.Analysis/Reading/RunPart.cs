using System.Globalization;
using Convoy.Analysis.Runs;
using Convoy.Metrics;

namespace Convoy.Analysis.Reading;

/// <summary>The steps of a run that were taken with the same processes and threads: a run that was resumed with others has several parts.</summary>
/// <param name="Processes">How many processes took the steps.</param>
/// <param name="Threads">Threads of each of them; null when not recorded.</param>
/// <param name="Steps">Rank 0's steps, at least one.</param>
internal sealed record RunPart(int Processes, int? Threads, IReadOnlyList<StepMetrics> Steps)
{
    /// <summary>Which steps these are, for messages.</summary>
    public string Name => string.Create(CultureInfo.InvariantCulture, $"steps {Steps[0].Step} to {Steps[^1].Step}");

    /// <summary>Cuts a run's steps wherever their processes or threads change.</summary>
    /// <param name="steps">Rank 0's steps.</param>
    /// <param name="processes">What the run's configuration says, for steps that do not.</param>
    /// <param name="threads">The same of threads.</param>
    /// <param name="place">Where a step stands, for messages.</param>
    /// <exception cref="AnalysisInputException">A step's processes or threads are no such number.</exception>
    public static IReadOnlyList<RunPart> Of(IReadOnlyList<StepMetrics> steps, Func<int> processes, int? threads, Func<int, string> place)
    {
        var parts = new List<RunPart>();
        int start = 0;
        for (int i = 0; i < steps.Count; i++)
        {
            Require("world_size", steps[i].WorldSize, place(i));
            Require("threads", steps[i].Threads, place(i));
            bool isLast = i + 1 == steps.Count || steps[i + 1].WorldSize != steps[i].WorldSize || steps[i + 1].Threads != steps[i].Threads;
            if (isLast)
            {
                parts.Add(new RunPart(steps[i].WorldSize ?? processes(), steps[i].Threads ?? threads, [.. steps.Skip(start).Take(i + 1 - start)]));
                start = i + 1;
            }
        }

        return Joined(parts);
    }

    /// <summary>Those steps of another rank's log that belong to this part: logs of ranks that a resumed run has no more stay in its folder.</summary>
    public IReadOnlyList<StepMetrics> Of(int rank, IEnumerable<StepMetrics> log) => rank >= Processes
        ? []
        : [.. log.Where(s => s.Step >= Steps[0].Step && s.Step <= Steps[^1].Step && (s.WorldSize ?? Processes) == Processes)];

    // Steps that say what the configuration says, beside steps that say nothing, are one part.
    private static List<RunPart> Joined(List<RunPart> parts)
    {
        var joined = new List<RunPart>();
        foreach (RunPart part in parts)
        {
            if (joined.Count > 0 && joined[^1].Processes == part.Processes && joined[^1].Threads == part.Threads)
            {
                joined[^1] = part with { Steps = [.. joined[^1].Steps, .. part.Steps] };
            }
            else
            {
                joined.Add(part);
            }
        }

        return joined;
    }

    private static void Require(string name, int? value, string place)
    {
        if (value is < 1 or > Configuration.MostProcesses)
        {
            throw new AnalysisInputException($"not a number of {(name == "threads" ? name : "processes")}", string.Create(CultureInfo.InvariantCulture, $"{name} {value}, {place}"), "Leave the run out, or measure it again.");
        }
    }
}
