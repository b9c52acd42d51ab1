using System.Globalization;
using Convoy.Lanes.Training;
using Convoy.Training.Studies;
using Convoy.Training.Tuning;
using Spectre.Console;

namespace Convoy.Cli.Tuning;

/// <summary>How far tuning is: one live table on a terminal; otherwise a plain line for each trial, and the table at the end.</summary>
/// <param name="console">Where it is shown.</param>
/// <param name="batchSize">Samples of one step.</param>
/// <param name="sampleNoun">What a sample is called.</param>
internal sealed class TuneDisplay(IAnsiConsole console, int batchSize, string sampleNoun) : IDisposable
{
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
            string speed = result.StepSeconds.Count == 0 ? string.Empty : string.Create(CultureInfo.InvariantCulture, $" {Speed(result.StepSeconds)} {sampleNoun}s/s over {result.StepSeconds.Count} steps");
            string end = result.End == TrialEnd.Measured ? string.Empty : $" {Ended(result.End)}";
            console.WriteLine($"  {result.Configuration}:{speed}{end}{(result.Error is null ? "" : $": {result.Error}")}");
        }

        Draw();
    }

    /// <summary>Shows all configurations, the fastest first, in place of the last round.</summary>
    public void Finish(IReadOnlyList<TuningCandidate> candidates, TuningCandidate? best)
    {
        Table table = Empty();
        foreach (TuningCandidate candidate in candidates)
        {
            TuningConfiguration c = candidate.Configuration;
            string spread = candidate.RelativeSpread is { } share ? string.Create(CultureInfo.InvariantCulture, $"±{share * 100:0.0} %") : string.Empty;
            AddRow(
                table,
                c,
                candidate.StepSeconds.Count == 0 ? string.Empty : Speed(candidate.StepSeconds),
                spread,
                candidate.StepSeconds.Count.ToString(CultureInfo.InvariantCulture),
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

        Table table = Empty();
        table.Title = new TableTitle(string.Create(CultureInfo.InvariantCulture, $"Round {_number}"));
        foreach (TuningCandidate candidate in _candidates)
        {
            TrialResult? result = _round.GetValueOrDefault(candidate.Configuration);
            double[] steps = [.. candidate.StepSeconds, .. result?.StepSeconds ?? []];
            AddRow(
                table,
                candidate.Configuration,
                steps.Length == 0 ? string.Empty : Speed(steps),
                string.Empty,
                steps.Length.ToString(CultureInfo.InvariantCulture),
                result is null ? string.Empty : result.End == TrialEnd.Measured ? "done" : Ended(result.End),
                result is null ? "grey" : "default");
        }

        _area.Update(table);
    }

    private Table Empty()
    {
        var table = new Table().Border(TableBorder.Simple).NoSafeBorder();
        table.AddColumns("processes\nx threads", "\nprecision", "\nmemory format");
        foreach (string column in (string[])["loader\nthreads", $"\n{sampleNoun}s/s", "\nspread", "\nsteps"])
        {
            table.AddColumn(new TableColumn(column).RightAligned());
        }

        table.AddColumn(string.Empty);
        foreach (TableColumn column in table.Columns)
        {
            column.Padding(0, 1).NoWrap(); // so that 80 columns hold it
        }

        return table;
    }

    private static void AddRow(Table table, TuningConfiguration c, string speed, string spread, string steps, string note, string style)
    {
        string[] cells =
        [
            string.Create(CultureInfo.InvariantCulture, $"{c.Processes} x {c.Threads}"), c.Precision.Name(), c.ChannelsLast ? "channels last" : "contiguous",
            c.Workers.ToString(CultureInfo.InvariantCulture), speed, spread, steps, note,
        ];
        table.AddRow([.. cells.Select(cell => new Markup($"[{style}]{cell.EscapeMarkup()}[/]"))]);
    }

    private string Speed(IReadOnlyList<double> steps) =>
        (batchSize / StepMedian.Find(steps)).ToString("0.00", CultureInfo.InvariantCulture);

    private static string Ended(TrialEnd end) => end switch
    {
        TrialEnd.GivenUp => "given up",
        TrialEnd.Failed => "failed",
        TrialEnd.NotTried => "no time",
        _ => string.Empty,
    };
}
