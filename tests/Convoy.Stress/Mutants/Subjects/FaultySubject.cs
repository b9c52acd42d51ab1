namespace Convoy.Stress.Mutants.Subjects;

/// <summary>A reader with a fault of each kind, to see that a trial finds them and goes on behind each.</summary>
internal static class FaultySubject
{
    /// <summary>How many mutants have all the faults.</summary>
    public const int Mutants = 12;

    private const int ExitCode = 9;

    /// <summary>What is to be found, in order.</summary>
    public static IReadOnlyList<string> Faults =>
        ["System.InvalidOperationException", $"ended its process with exit code {ExitCode}", "over 200 MB (accepted)", "over 2 s (accepted)"];

    public static Subject Make() => new("faulty", FileForm.Bytes, "file") { Originals = () => [[1, 2, 3]], Read = Read };

    private static bool Read(string folder, int number)
    {
        switch (number)
        {
            case 2:
                throw new InvalidOperationException("a fault");
            case 4:
                Environment.Exit(ExitCode);
                return false;
            case 6:
                return new byte[MutantWorker.MostBytes + 1].Length > 0;
            case 8:
                Thread.Sleep(MutantWorker.MostTime + TimeSpan.FromMilliseconds(50));
                return true;
            case 10:
                throw new Convoy.Training.BadInputException("a file that is refused", folder, "It is no fault.");
            default:
                return true;
        }
    }
}
