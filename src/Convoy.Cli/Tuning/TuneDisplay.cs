using System.Globalization;
using Convoy.Lanes.Training;
using Convoy.Training.Studies;
using Convoy.Training.Tuning;
using Spectre.Console;

namespace Convoy.Cli.Tuning;

/// <summary>How far tuning is: one live table on a terminal; otherwise a plain line for each trial, and the table at the end.</summary>
/// <param name="console">Where it is shown.</param>
/// <param name="nouns">What is counted, as far as it is known by now.</param>
internal sealed class TuneDisplay(IAnsiConsole console, Func<TuneNouns> nouns) : IDisposable
{
    // Narrow, so that 80 columns hold the table.
    private static readonly (string Header, Func<TuningConfiguration, string?> Cell)[] Configured =
    [
        ("proc. x\nthreads", c => string.Create(CultureInfo.InvariantCulture, $"{c.Processes} x {c.Threads}")),
        ("\nprecision", c => c.Precision?.Name()),
        ("channels\nlast", c => c.ChannelsLast is { } last ? last ? "yes" : "no" : null),
        ("batch x\naccum.", c => c.Batch?.ToString()),
        ("loader\nthreads", c => c.Workers?.ToString(CultureInfo.InvariantCulture)),
    ];

    private readonly LiveArea? _area = ConsoleOutput.IsTerminal(console) ? new LiveArea(console) : null;
    private readonly Dictionary<TuningConfiguration, TrialResult> _round = [];
    private IReadOnlyList<TuningCandidate> _candidates = [];
    private int _number;
    private bool _closed;

    /// <summary>A round starts.</summary>
    public void Begin(int number, IReadOnlyList<TuningCandidate> candidates)
    {
        _number = number;
        _candidates = candidates;
        _round.Clear();
        string line = string.Create(CultureInfo.InvariantCulture, $"Round {number}: {candidates.Count} {(candidates.Count == 1 ? "configuration" : "configurations")}");
        if (_area is null)
        {
            console.WriteLine(line);
        }

        Draw();
    }

    /// <summary>A trial is over.</summary>
    public void Show(TrialResult result)
    {
        _round[result.Configuration] = result;
        if (_area is null)
        {
            string speed = result.UpdateSeconds.Count == 0 ? string.Empty : string.Create(CultureInfo.InvariantCulture, $" {Speed(Median(result))} {nouns().Sample}s/s over {nouns().Count(result.UpdateSeconds.Count)}");
            string memory = result.PeakMemoryBytes is { } peak ? $" {MemoryLimit.Describe(peak)} a rank" : string.Empty;
            string end = result.End == TrialEnd.Measured ? string.Empty : $" {Ended(result.End)}";
            console.WriteLine($"  {result.Configuration}:{speed}{memory}{end}{(result.Error is null ? "" : $": {result.Error}")}");
        }

        Draw();
    }

    /// <summary>Shows all configurations, the fastest first, in place of the last round.</summary>
    public void Finish(IReadOnlyList<TuningCandidate> candidates, TuningCandidate? best)
    {
        Table table = Empty(candidates);
        foreach (TuningCandidate candidate in candidates)
        {
            AddRow(
                table,
                candidate.Configuration,
                [
                    candidate.UpdateSeconds.Count == 0 ? string.Empty : Speed(candidate.SampleSeconds),
                    candidate.RelativeSpread is { } share ? (share * 100).ToString("0.0", CultureInfo.InvariantCulture) : string.Empty,
                    Gibibytes(candidate.PeakMemoryBytes),
                    candidate.UpdateSeconds.Count.ToString(CultureInfo.InvariantCulture),
                ],
                candidate == best ? "best" : Ended(candidate.End),
                candidate == best ? "green" : candidate.End == TrialEnd.Measured ? "default" : "grey");
        }

        if (_area is null)
        {
            console.Write(table);
        }
        else
        {
            _area.Update(table);
        }
    }

    /// <summary>Leaves the table as it stands.</summary>
    public void Dispose()
    {
        if (!_closed)
        {
            _closed = true;
            _area?.Dispose();
        }
    }

    private void Draw()
    {
        if (_area is null)
        {
            return;
        }

        Table table = Empty(_candidates);
        table.Title = new TableTitle(string.Create(CultureInfo.InvariantCulture, $"Round {_number}"));
        foreach (TuningCandidate candidate in _candidates)
        {
            TrialResult? result = _round.GetValueOrDefault(candidate.Configuration);
            double median = result is { UpdateSeconds.Count: > 0 } ? Median(result) : candidate.SampleSeconds;
            AddRow(
                table,
                candidate.Configuration,
                [
                    double.IsFinite(median) ? Speed(median) : string.Empty,
                    string.Empty,
                    Gibibytes(result?.PeakMemoryBytes ?? candidate.PeakMemoryBytes),
                    (candidate.UpdateSeconds.Count + (result?.UpdateSeconds.Count ?? 0)).ToString(CultureInfo.InvariantCulture),
                ],
                result is null ? string.Empty : result.End == TrialEnd.Measured ? "done" : Ended(result.End),
                result is null ? "grey" : "default");
        }

        _area.Update(table);
    }

    // What is the program's own matter has no column.
    private Table Empty(IReadOnlyList<TuningCandidate> candidates)
    {
        var table = new Table().Border(TableBorder.Simple).NoSafeBorder();
        foreach ((string header, _) in Configured.Where(column => candidates.Any(candidate => column.Cell(candidate.Configuration) is not null)))
        {
            table.AddColumn(header);
        }

        foreach (string column in (string[])[$"{nouns().Sample}s\na second", "\n± %", "GiB a\nrank", $"\n{nouns().Measured}s"])
        {
            table.AddColumn(new TableColumn(column).RightAligned());
        }

        table.AddColumn(string.Empty);
        foreach (TableColumn column in table.Columns)
        {
            column.Padding(0, 1).NoWrap();
        }

        return table;
    }

    private static void AddRow(Table table, TuningConfiguration configuration, string[] measured, string note, string style) =>
        table.AddRow([.. Configured.Select(column => column.Cell(configuration)).OfType<string>().Concat(measured).Append(note).Select(cell => new Markup($"[{style}]{cell.EscapeMarkup()}[/]"))]);

    private static double Median(TrialResult result) => StepMedian.Find(result.UpdateSeconds) / result.Samples;

    /// <summary>A speed by the seconds of a sample.</summary>
    internal static string Speed(double sampleSeconds) => (1 / sampleSeconds).ToString(sampleSeconds < 1 ? "0.00" : "0.0000", CultureInfo.InvariantCulture);

    private static string Gibibytes(long? bytes) => bytes is { } known ? (known / (double)(1L << 30)).ToString("0.00", CultureInfo.InvariantCulture) : string.Empty;

    private static string Ended(TrialEnd end) => end switch
    {
        TrialEnd.GivenUp => "given up",
        TrialEnd.Failed => "failed",
        TrialEnd.NotTried => "no time",
        TrialEnd.OverMemory => "memory",
        _ => string.Empty,
    };
}

/// <summary>What tuning counts, in the singular.</summary>
/// <param name="Sample">What the speed is of: <c>image</c>.</param>
/// <param name="Measured">What is measured: an update, or of a program without a task a step or a whole run.</param>
internal readonly record struct TuneNouns(string Sample, string Measured)
{
    /// <summary>A number of measurements in words.</summary>
    public string Count(int count) => string.Create(CultureInfo.InvariantCulture, $"{count} {Measured}{(count == 1 ? "" : "s")}");

    /// <summary>The result in a line.</summary>
    public string Describe(TuningCandidate best)
    {
        string spread = best.RelativeSpread is { } share ? string.Create(CultureInfo.InvariantCulture, $" (±{share * 100:0.0} % from {Measured} to {Measured})") : string.Empty;
        string memory = best.PeakMemoryBytes is { } peak ? $", {MemoryLimit.Describe(peak)} in each process" : string.Empty;
        return $"Best: {best.Configuration}: {TuneDisplay.Speed(best.SampleSeconds)} {Sample}s/s{spread}, over {Count(best.UpdateSeconds.Count)}{memory}.";
    }

    /// <summary>Why a configuration that lost has no speed; null where it has one or there was no time.</summary>
    public static string? Complaint(TuningCandidate candidate, MemoryLimit limit) => candidate.End switch
    {
        TrialEnd.OverMemory => $"{candidate.Configuration}: needs {MemoryLimit.Describe(candidate.PeakMemoryBytes ?? 0)} in each process, {MemoryLimit.Describe(limit.Bytes / candidate.Configuration.Processes)} may be",
        TrialEnd.Failed => $"{candidate.Configuration}: {candidate.Error}",
        _ => null,
    };
}
