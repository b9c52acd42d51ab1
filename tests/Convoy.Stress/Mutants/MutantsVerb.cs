using System.Diagnostics;
using System.Globalization;
using System.Text;
using Convoy.Stress.Mutants.Mutations;
using Convoy.Stress.Mutants.Subjects;

namespace Convoy.Stress.Mutants;

/// <summary>
/// <c>mutants</c>: changes sound files at random and gives them to Convoy's readers. A reader may accept a mutant or refuse it with
/// one of Convoy's own exceptions; any other exception, more than 200 MB and more than 2 s are faults.
/// </summary>
internal static class MutantsVerb
{
    public const string Usage = "mutants [--reader NAME[,NAME...]|all] [--count 10000] [--seed 1] [--keep DIR] [--parallel CORES]";

    /// <summary>Reads <paramref name="options"/>, runs the trials and prints what they found.</summary>
    /// <returns>0 without a fault, 1 with one, 2 for options that cannot be understood.</returns>
    public static int Run(ReadOnlySpan<string> options)
    {
        string readers = "all";
        string? keep = null;
        int count = 10_000, seed = 1, parallel = Environment.ProcessorCount;
        for (int i = 0; i < options.Length; i += 2)
        {
            string value = i + 1 < options.Length ? options[i + 1] : string.Empty;
            bool understood = options[i] switch
            {
                "--reader" => (readers = value).Length > 0,
                "--keep" => (keep = value).Length > 0,
                "--count" => Number(value, out count),
                "--seed" => Number(value, out seed),
                "--parallel" => Number(value, out parallel) && parallel > 0,
                _ => false,
            };
            if (!understood)
            {
                return Refuse($"{options[i]} {value}");
            }
        }

        Subject[] subjects = [.. AllSubjects.Make().Where(subject => readers == "all" || readers.Split(',').Contains(subject.Name))];
        return subjects.Length == 0
            ? Refuse($"no reader {readers}; there are {string.Join(", ", AllSubjects.Make().Select(subject => subject.Name))}")
            : Run(subjects, count, seed, keep, parallel);
    }

    /// <summary>The process of a trial; see <see cref="MutantTrial"/>.</summary>
    public static int RunWorker(string reader, string seed, string first, string end, string folder)
    {
        using Stream output = Console.OpenStandardOutput();
        using var lines = new StreamWriter(output, new UTF8Encoding(encoderShouldEmitUTF8Identifier: false)) { AutoFlush = true };
        Console.SetOut(TextWriter.Null);
        Subject subject = AllSubjects.Make().Append(FaultySubject.Make()).Single(subject => subject.Name == reader);
        new MutantWorker(subject, Parse(seed), folder, lines.WriteLine).Run(Parse(first), Parse(end));
        return 0;
    }

    private static int Run(Subject[] subjects, int count, int seed, string? keep, int parallel)
    {
        int faults = 0;
        var gate = new Lock();
        Parallel.ForEach(subjects, new ParallelOptions { MaxDegreeOfParallelism = parallel }, subject =>
        {
            long start = Stopwatch.GetTimestamp();
            var trial = new MutantTrial(subject, seed);
            trial.Run(count);
            lock (gate)
            {
                faults += trial.Faults.Count;
                Tell(subject, trial, Stopwatch.GetElapsedTime(start));
                if (keep is not null)
                {
                    Keep(subject, trial, seed, keep);
                }
            }
        });
        Console.Out.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{subjects.Length} readers, {count} mutants each, seed {seed}: {faults} kinds of faults"));
        return faults == 0 ? 0 : 1;
    }

    private static void Tell(Subject subject, MutantTrial trial, TimeSpan time)
    {
        Console.Out.WriteLine(string.Create(
            CultureInfo.InvariantCulture, $"{subject.Name,-20} {trial.Accepted,6} accepted {trial.Refused,6} refused {trial.Faults.Sum(fault => fault.Count),6} faults {time.TotalSeconds,6:0.0} s"));
        foreach ((Finding first, int times) in trial.Faults.OrderByDescending(fault => fault.Count))
        {
            Console.Out.WriteLine(string.Create(CultureInfo.InvariantCulture, $"  {times} x {first.Key} [mutant {first.Mutant}]"));
        }
    }

    private static void Keep(Subject subject, MutantTrial trial, int seed, string folder)
    {
        var mutator = new Mutator(subject);
        foreach ((Finding first, _) in trial.Faults.Where(fault => fault.First.Mutant >= 0))
        {
            Directory.CreateDirectory(folder);
            string name = string.Create(CultureInfo.InvariantCulture, $"{subject.Name}-{seed}-{first.Mutant}{Path.GetExtension(subject.File)}");
            File.WriteAllBytes(Path.Combine(folder, name), mutator.Make(seed, first.Mutant));
            File.WriteAllText(Path.Combine(folder, name + ".fault.txt"), first.Key + "\n");
        }
    }

    private static int Refuse(string what)
    {
        Console.Error.WriteLine($"mutants: error: {what}. {Usage}");
        return 2;
    }

    private static bool Number(string text, out int value) => int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out value);

    private static int Parse(string text) => int.Parse(text, NumberStyles.None, CultureInfo.InvariantCulture);
}
