using Convoy.Analysis.Runs;

namespace Convoy.Analysis.Reading;

/// <summary>
/// Reads a table of times, throughputs or speed-ups over processes. The first line names the columns; without one they are
/// <c>processes,seconds[,precision]</c>. Several lines of one configuration are repeats.
/// </summary>
internal sealed class CsvTableReader
{
    // Speed-ups are often given with one decimal.
    private const double Contradiction = 1.15;

    private readonly CsvTable _table;
    private readonly TableLayout _layout;
    private readonly TableNumbers _numbers;

    private CsvTableReader(CsvTable table)
    {
        _table = table;
        _layout = TableLayout.Read(table);
        _numbers = TableNumbers.Detect(table);
    }

    /// <exception cref="AnalysisInputException">The table cannot be understood; the message names the column or the line.</exception>
    public static ReadRuns Read(string path)
    {
        CsvTable table = CsvTable.Read(path);
        return table.Rows.Count > 0
            ? new CsvTableReader(table).Runs()
            : throw new AnalysisInputException("the table is empty", path, "Give lines of processes,seconds[,precision].");
    }

    private ReadRuns Runs()
    {
        Run[] runs = [.. _table.Rows.Select(Row)];
        RequireAgreement(runs);
        TimeBasis basis = runs[0].Basis;
        if (basis != TimeBasis.Relative)
        {
            return new ReadRuns(runs, []);
        }

        RequireOneBaseline(runs);
        return new ReadRuns(runs, [$"Only speed-ups are known ({_table.Path}): 1 s stands for the time that they are against."]);
    }

    private Run Row(TableRow row)
    {
        int processes = Processes(row);
        int measure = _layout.Measures[0];
        Column column = _layout[measure];
        double seconds = Seconds(row, measure, processes)
            ?? throw row.Refuse($"{Meaning(column)} must be a number above 0", measure, "Write decimals with a point.");
        if (!PlausibleSeconds.Contains(seconds))
        {
            throw row.Refuse(column.Kind == ColumnKind.Time ? $"a time must be {PlausibleSeconds.Range}" : $"{Meaning(column)} must stand for a time {PlausibleSeconds.Range}", measure, "Correct the line, or leave it out.");
        }

        return new Run
        {
            Configuration = new Configuration(processes, _layout.Threads is { } threads ? Count(row, threads, "a number of threads") : null, Precision(row)),
            Source = row.Place,
            Basis = column.Kind is ColumnKind.Speedup or ColumnKind.Efficiency ? TimeBasis.Relative : column.Basis,
            Samples = [seconds],
            SampleNoun = column.SampleNoun ?? Run.DefaultSampleNoun,
            BatchSize = column.Basis == TimeBasis.Step && column.Kind is ColumnKind.Time or ColumnKind.Rate && _layout.Batch is { } batch
                ? BatchSize(row, batch, processes)
                : null,
        };
    }

    private static string Meaning(Column column) => column.Kind switch
    {
        ColumnKind.Time => "a time",
        ColumnKind.Rate => "a throughput",
        ColumnKind.Speedup => "a speed-up",
        _ => "an efficiency",
    };

    /// <summary>The time that a cell gives; null when it gives none. What the times are against, or of, is the same for the whole column.</summary>
    private double? Seconds(TableRow row, int index, int processes)
    {
        Column column = _layout[index];
        string cell = column.Kind is ColumnKind.Speedup or ColumnKind.Efficiency ? row[index].TrimEnd(' ', '%', 'x', 'X', '\u00D7') : row[index];
        if (_numbers.Parse(cell) is not { } value || value <= 0)
        {
            return null;
        }

        double seconds = column.Kind switch
        {
            ColumnKind.Time => value * column.UnitSeconds,
            ColumnKind.Rate => column.UnitSeconds / (value * (column.IsPerProcess ? processes : 1)),
            ColumnKind.Speedup => 1 / value,
            _ => (row[index].Contains('%') || column.Name.Contains('%') ? 100 : 1) / (value * processes),
        };
        return seconds;
    }

    private int Processes(TableRow row)
    {
        int processes = Count(row, _layout.Processes, "a number of processes");
        long all = _layout.Nodes is { } nodes ? (long)processes * Count(row, nodes, "a number of machines") : processes;
        return all <= Configuration.MostProcesses ? (int)all : throw row.Refuse("processes must be from 1 to 1000000", _layout.Processes, "Correct the line, or leave it out.");
    }

    private int BatchSize(TableRow row, int batch, int processes)
    {
        long size = Count(row, batch, "a batch size") * (_layout[batch].Kind == ColumnKind.BatchPerProcess ? (long)processes : 1);
        return size <= int.MaxValue ? (int)size : throw row.Refuse("a batch size must be a whole number from 1", batch, "Correct the line, or leave it out.");
    }

    // Other programs write whole numbers as 1.0.
    private int Count(TableRow row, int column, string meaning) =>
        _numbers.Parse(row[column]) is { } value && value >= 1 && value <= Configuration.MostProcesses && value == Math.Floor(value)
            ? (int)value
            : throw row.Refuse($"{meaning} must be a whole number from 1 to 1000000", column, _table.Header is null ? "Correct the line, or give a first line with the columns' names." : "Correct the line, or leave it out.");

    private string Precision(TableRow row)
    {
        string precision = _layout.Precision is { } column && row[column].Length > 0
            ? PrecisionName.Parse(row[column]) ?? throw row.Refuse("a precision must be a name", column, $"Give {PrecisionName.Known}, or name the column for what it is.")
            : Configuration.DefaultPrecision;
        return precision == Configuration.DefaultPrecision && _layout.MixedPrecision is { } mixed ? Mixed(row, mixed) : precision;
    }

    private static string Mixed(TableRow row, int column) => row[column].ToUpperInvariant() switch
    {
        "TRUE" or "YES" or "ON" or "1" => "amp",
        "FALSE" or "NO" or "OFF" or "0" or "NONE" or "" => Configuration.DefaultPrecision,
        _ => PrecisionName.Parse(row[column]) ?? throw row.Refuse("mixed precision must be true, false or a name", column, $"Give true, false, or {PrecisionName.Known}."),
    };

    /// <summary>Times, throughputs and speed-ups of one table have to tell the same story: where they do not, nobody can know which one counts.</summary>
    private void RequireAgreement(Run[] runs)
    {
        foreach (int other in _layout.Measures.Skip(1))
        {
            var ratios = _table.Rows.Zip(runs)
                .Select(p => (Row: p.First, p.Second.Configuration, Seconds: Seconds(p.First, other, p.Second.Configuration.Processes), Used: p.Second.Samples[0]))
                .Where(p => p.Seconds is not null)
                .GroupBy(p => (p.Configuration.Precision, p.Configuration.Threads), p => (p.Row, Ratio: p.Seconds!.Value / p.Used));
            foreach (var group in ratios)
            {
                double first = group.First().Ratio;
                (TableRow? row, double _) = group.FirstOrDefault(p => p.Ratio > first * Contradiction || first > p.Ratio * Contradiction);
                if (row is not null)
                {
                    throw new AnalysisInputException(
                        $"the columns '{TableRow.Shown(_layout[_layout.Measures[0]].Name)}' and '{TableRow.Shown(_layout[other].Name)}' contradict each other",
                        $"'{TableRow.Shown(row[_layout.Measures[0]])}' and '{TableRow.Shown(row[other])}', {row.Place}",
                        "Leave the one that counts.");
                }
            }
        }
    }

    // Two precisions that both begin with 1 are each against their own first time.
    private static void RequireOneBaseline(Run[] runs)
    {
        var firsts = runs.GroupBy(r => (r.Configuration.Precision, r.Configuration.Threads)).Select(g => g.MinBy(r => r.Configuration.Processes)!);
        Run[] own = [.. firsts.Where(r => Math.Abs(r.Samples[0] - 1) < 1e-6)];
        if (own.Length > 1)
        {
            throw new AnalysisInputException(
                "speed-ups that are against different times cannot be compared",
                $"{own[0].Configuration} in {own[0].Source}; {own[1].Configuration} in {own[1].Source}",
                "Give times, or one table for each of them.");
        }
    }
}
