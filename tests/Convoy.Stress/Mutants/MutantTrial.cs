using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Text.Json;

namespace Convoy.Stress.Mutants;

/// <summary>Gives mutants to a reader, in processes of its own: a mutant that ends one, or makes it hang, is a fault like others, and the next process goes on behind it.</summary>
/// <param name="subject">The reader.</param>
/// <param name="seed">The trial's seed.</param>
internal sealed class MutantTrial(Subject subject, int seed)
{
    /// <summary>The verb of the processes.</summary>
    public const string WorkerVerb = "mutants-worker";

    // Far above the limits, which the process itself watches over.
    private const long MostResidentBytes = 1_500_000_000;
    private static readonly TimeSpan Hangs = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan StartHangs = TimeSpan.FromMinutes(2);
    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(50);

    private readonly Dictionary<string, (Finding First, int Count)> _faults = new(StringComparer.Ordinal);

    /// <summary>Mutants that were accepted.</summary>
    public int Accepted { get; private set; }

    /// <summary>Mutants that were refused as they ought to be.</summary>
    public int Refused { get; private set; }

    /// <summary>The faults: the first mutant of each kind, and how many there were.</summary>
    public IReadOnlyCollection<(Finding First, int Count)> Faults => _faults.Values;

    /// <summary>Reads <paramref name="count"/> mutants.</summary>
    public void Run(int count)
    {
        int next = 0;
        while (next < count)
        {
            int reached = RunProcess(next, count);
            if (reached < next)
            {
                // It does not get as far as the first mutant: the fault says why.
                return;
            }

            next = reached;
        }
    }

    /// <returns>The mutant after the last one that was read; -1 when the process ended before the first.</returns>
    private int RunProcess(int first, int end)
    {
        DirectoryInfo folder = Directory.CreateTempSubdirectory("convoy-mutants-");
        using Process process = Launch(first, end, folder.FullName);
        try
        {
            return Watch(process, first, end);
        }
        finally
        {
            process.Kill(entireProcessTree: true);
            process.WaitForExit();
            folder.Delete(recursive: true);
        }
    }

    private Process Launch(int first, int end, string folder)
    {
        var start = new ProcessStartInfo(Path.Combine(AppContext.BaseDirectory, "Convoy.Stress")) { RedirectStandardOutput = true, RedirectStandardError = true, RedirectStandardInput = true };
        foreach (string argument in (string[])[WorkerVerb, subject.Name, Text(seed), Text(first), Text(end), folder])
        {
            start.ArgumentList.Add(argument);
        }

        // One thread of libtorch's, and little garbage that would count as a mutant's memory.
        start.Environment["OMP_NUM_THREADS"] = "1";
        start.Environment["MALLOC_ARENA_MAX"] = "2";
        start.Environment["DOTNET_GCgen0size"] = "0x2000000";
        start.Environment["DOTNET_gcConcurrent"] = "0";
        return Process.Start(start)!;
    }

    private int Watch(Process process, int first, int end)
    {
        var lines = new BlockingCollection<string>();
        var errors = new ConcurrentQueue<string>();
        process.OutputDataReceived += (_, line) => Pass(line.Data);
        process.ErrorDataReceived += (_, line) => Keep(line.Data);
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        int current = -1, done = -1;
        long heard = Stopwatch.GetTimestamp();
        while (true)
        {
            if (lines.TryTake(out string? line, Look))
            {
                heard = Stopwatch.GetTimestamp();
                if (line.StartsWith(MutantWorker.Start, StringComparison.Ordinal))
                {
                    current = int.Parse(line.AsSpan(MutantWorker.Start.Length), CultureInfo.InvariantCulture);
                }
                else
                {
                    Count(line);
                    done = current;
                }
            }
            else if (lines.IsAddingCompleted)
            {
                process.WaitForExit();
                if (done == end - 1 && process.ExitCode == 0)
                {
                    return end;
                }

                string ending = string.Create(CultureInfo.InvariantCulture, $"ended its process with exit code {process.ExitCode}");
                Add(Finding.OfText(current, string.Join('\n', (string[])[$"{ending}, {errors.FirstOrDefault(text => text.Trim().Length > 0)}", .. errors])));
                return current < 0 ? -1 : current + 1;
            }
            else if (MemoryMeter.Resident(process.Id) > MostResidentBytes)
            {
                Add(new Finding(current, $"over {MostResidentBytes / 1_000_000} MB: its process was ended", []));
                return current < 0 ? -1 : current + 1;
            }
            else if (Stopwatch.GetElapsedTime(heard) > (current < 0 ? StartHangs : Hangs))
            {
                Add(new Finding(current, "hangs", []));
                return current < 0 ? -1 : current + 1;
            }
        }

        void Pass(string? line)
        {
            if (line is null)
            {
                lines.CompleteAdding();
            }
            else
            {
                lines.Add(line);
            }
        }

        void Keep(string? line)
        {
            if (line is not null)
            {
                errors.Enqueue(line);
            }
        }
    }

    private void Count(string line)
    {
        switch (line)
        {
            case MutantWorker.Accepted:
                Accepted++;
                break;
            case MutantWorker.Refused:
                Refused++;
                break;
            default:
                if (line.StartsWith(MutantWorker.Fault, StringComparison.Ordinal))
                {
                    Add(JsonSerializer.Deserialize<Finding>(line.AsSpan(MutantWorker.Fault.Length))!);
                }

                break;
        }
    }

    private void Add(Finding finding)
    {
        (Finding First, int Count) known = _faults.GetValueOrDefault(finding.Key, (finding, 0));
        _faults[finding.Key] = (known.First, known.Count + 1);
    }

    private static string Text(int value) => value.ToString(CultureInfo.InvariantCulture);
}
