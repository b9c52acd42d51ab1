using System.Diagnostics;
using System.Globalization;
using System.Reflection;
using System.Text.Json;
using Convoy.Stress.Mutants.Mutations;

namespace Convoy.Stress.Mutants;

/// <summary>
/// The process in which mutants are read: one that ends or hangs it is found by whoever started it. It tells each mutant's number
/// before it is read, and then what became of it, a line each.
/// </summary>
/// <param name="subject">The reader.</param>
/// <param name="seed">The trial's seed.</param>
/// <param name="folder">An empty folder.</param>
/// <param name="tell">Told each line.</param>
internal sealed class MutantWorker(Subject subject, int seed, string folder, Action<string> tell)
{
    public const string Ready = "ready";
    public const string Start = "start ";
    public const string Accepted = "accepted";
    public const string Refused = "refused";
    public const string Fault = "fault ";

    /// <summary>The most memory that reading a mutant may take.</summary>
    public const long MostBytes = 200_000_000;

    /// <summary>The longest that reading a mutant may take.</summary>
    public static readonly TimeSpan MostTime = TimeSpan.FromSeconds(2);

    private readonly Mutator _mutator = new(subject);
    private string _refusal = "it reads as nothing";

    private string Path => System.IO.Path.Combine(folder, subject.File);

    /// <summary>Reads the sound files, then the mutants from <paramref name="first"/> to before <paramref name="end"/>.</summary>
    public void Run(int first, int end)
    {
        subject.Prepare(folder);
        Directory.CreateDirectory(System.IO.Path.GetDirectoryName(Path)!);
        foreach (byte[] original in subject.Originals())
        {
            // Twice: the first time much is compiled, and loaded. Number 0 is done all that is done for some numbers only.
            _ = Outcome(original, 0);
            if (Outcome(original, -1) is var outcome && outcome != Accepted)
            {
                tell(outcome == Refused ? Text(new Finding(-1, $"a sound file is refused: {_refusal}", [])) : outcome);
            }
        }

        tell(Ready);
        for (int number = first; number < end; number++)
        {
            tell(Start + number.ToString(CultureInfo.InvariantCulture));
            tell(Measured(_mutator.Make(seed, number), number));
        }
    }

    private static string Text(Finding finding) => Fault + JsonSerializer.Serialize(finding);

    private string Measured(byte[] mutant, int number)
    {
        MemoryMeter.ResetPeak();
        (long resident, _, long mapped, long peakMapped) = MemoryMeter.Read();
        long allocated = GC.GetTotalAllocatedBytes();
        string outcome = Timed(mutant, number, out TimeSpan time);
        allocated = GC.GetTotalAllocatedBytes() - allocated;
        (_, long peakResident, _, long newPeakMapped) = MemoryMeter.Read();
        if (outcome.StartsWith(Fault, StringComparison.Ordinal))
        {
            return outcome;
        }

        // A machine is slow once in a while; a mutant that takes long takes long again.
        if (time > MostTime)
        {
            _ = Timed(mutant, number, out TimeSpan again);
            if (again > MostTime)
            {
                return Text(new Finding(number, $"over {MostTime.TotalSeconds} s ({outcome})", []));
            }
        }

        return Math.Max(allocated, peakResident - resident) > MostBytes ? Text(new Finding(number, $"over {MostBytes / 1_000_000} MB ({outcome})", []))
            : newPeakMapped > peakMapped && newPeakMapped - mapped > MostBytes ? Text(new Finding(number, $"over {MostBytes / 1_000_000} MB of address space ({outcome})", []))
            : outcome;
    }

    private string Timed(byte[] mutant, int number, out TimeSpan time)
    {
        TimeSpan waited = BusyMachine.TimeWaitedForACore();
        long start = Stopwatch.GetTimestamp();
        string outcome = Outcome(mutant, number);
        time = Stopwatch.GetElapsedTime(start) - (BusyMachine.TimeWaitedForACore() - waited);
        return outcome;
    }

    private string Outcome(byte[] file, int number)
    {
        System.IO.File.WriteAllBytes(Path, file);
        try
        {
            return subject.Read(folder, number) ? Accepted : Refused;
        }
        catch (Exception error)
        {
            Exception cause = Cause(error);
            if (cause is not ProgramRefusedException && !IsConvoys(cause))
            {
                return Text(Finding.OfText(number, cause is ProgramFailedException failed ? failed.Cause : cause.ToString()));
            }

            _refusal = cause.Message;
            return Refused;
        }
    }

    // As the program unwraps them before it says what is wrong.
    private static Exception Cause(Exception error)
    {
        while (error is TargetInvocationException or AggregateException { InnerExceptions.Count: 1 } && error.InnerException is { } inner)
        {
            error = inner;
        }

        return error;
    }

    private static bool IsConvoys(Exception error) =>
        error.GetType().Assembly.GetName().Name is { } name && (name == "convoy" || (name.StartsWith("Convoy.", StringComparison.Ordinal) && error.GetType().Assembly != typeof(MutantWorker).Assembly));
}
