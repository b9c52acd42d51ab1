using System.Collections.Concurrent;
using Convoy.Stress.Mutants;
using Convoy.Stress.Mutants.Subjects;

namespace Convoy.Cli.Tests.Mutants;

/// <summary>A few mutants into each reader, once for all tests, on all cores. The program Convoy.Stress takes more of them.</summary>
public sealed class MutantSample
{
    private const int Count = 100;
    private const int Seed = 11;

    private readonly ConcurrentDictionary<string, string> _faults = new(StringComparer.Ordinal);

    public MutantSample()
    {
        if (OperatingSystem.IsLinux())
        {
            Parallel.ForEach(AllSubjects.Make(), new ParallelOptions { MaxDegreeOfParallelism = Environment.ProcessorCount }, subject =>
            {
                var trial = new MutantTrial(subject, Seed);
                trial.Run(Count);
                _faults[subject.Name] = string.Join('\n', trial.Faults.Select(fault => $"{fault.Count} x {fault.First.Key} [mutant {fault.First.Mutant} of seed {Seed}]"));
            });
        }
    }

    /// <summary>What the mutants of a reader brought out, a line each; empty when nothing.</summary>
    public string FaultsOf(string reader) => _faults[reader];
}
