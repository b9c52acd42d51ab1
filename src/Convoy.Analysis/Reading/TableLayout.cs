namespace Convoy.Analysis.Reading;

/// <summary>Which column of a table is which.</summary>
internal sealed class TableLayout
{
    private const int MostNamesShown = 8;

    private readonly CsvTable _table;
    private readonly IReadOnlyList<Column> _columns;

    private TableLayout(CsvTable table, IReadOnlyList<Column> columns)
    {
        _table = table;
        _columns = columns;
        (Processes, Nodes) = ProcessColumns();
        Measures =
        [
            .. All(ColumnKind.Time), .. All(ColumnKind.Rate), .. All(ColumnKind.Speedup), .. All(ColumnKind.Efficiency),
        ];
        if (Measures.Count == 0)
        {
            throw Refuse("no column holds times, throughputs or speed-ups", columns, "Name one of them seconds, or what it is");
        }

        Precision = One(ColumnKind.Precision);
        MixedPrecision = One(ColumnKind.MixedPrecision);
        Threads = One(ColumnKind.Threads);
        Batch = One(ColumnKind.Batch) ?? One(ColumnKind.BatchPerProcess);
        RequireNothingElse();
    }

    /// <summary>The column of processes; with <see cref="Nodes"/> those of one of them.</summary>
    public int Processes { get; }

    /// <summary>The column of machines to multiply with; null when processes are counted in all.</summary>
    public int? Nodes { get; }

    /// <summary>The columns that say how long it took, the one to use first.</summary>
    public IReadOnlyList<int> Measures { get; }

    /// <summary>The column of precisions.</summary>
    public int? Precision { get; }

    /// <summary>The column that says whether mixed precision was on.</summary>
    public int? MixedPrecision { get; }

    /// <summary>The column of threads.</summary>
    public int? Threads { get; }

    /// <summary>The column of batch sizes.</summary>
    public int? Batch { get; }

    /// <summary>A column.</summary>
    public Column this[int column] => _columns[column];

    /// <summary>The layout that a table's first line gives; without names processes, seconds and the precision.</summary>
    /// <exception cref="AnalysisInputException">Columns are missing, are there twice, or are not understood.</exception>
    public static TableLayout Read(CsvTable table)
    {
        if (table.Header is { } header)
        {
            Column[] named = [.. header.Cells.Select(ColumnName.Parse)];
            RequireWidth(table, named.Length);
            return new TableLayout(table, named);
        }

        Column[] byPlace = [new("processes", ColumnKind.Processes), new("seconds", ColumnKind.Time), new("precision", ColumnKind.Precision)];
        int width = table.Rows.Max(row => row.Cells.Count);
        if (width is < 2 or > 3)
        {
            TableRow first = table.Rows.First(row => row.Cells.Count == width);
            throw new AnalysisInputException("not a line of processes,seconds[,precision]", first.Place, "Give two or three values, or a first line with the columns' names.");
        }

        RequireWidth(table, width, least: 2);
        return new TableLayout(table, byPlace[..width]);
    }

    // Spreadsheets leave empty cells at the ends of lines.
    private static void RequireWidth(CsvTable table, int width, int? least = null)
    {
        TableRow? wrong = table.Rows.FirstOrDefault(row => row.Cells.Count < (least ?? width) || row.Cells.Skip(width).Any(cell => cell.Length > 0));
        if (wrong is not null)
        {
            throw new AnalysisInputException(
                table.Header is null ? "not a line of processes,seconds[,precision]" : FormattableString.Invariant($"a line of {wrong.Cells.Count} values for {width} columns"),
                wrong.Place,
                "Give every line as many values as there are columns, with a point in decimals, or separate them by semicolons.");
        }
    }

    private (int Processes, int? Nodes) ProcessColumns()
    {
        if (One(ColumnKind.Processes) is { } all)
        {
            return (all, null);
        }

        if (One(ColumnKind.ProcessesPerNode) is { } each)
        {
            return (each, One(ColumnKind.Nodes));
        }

        return (One(ColumnKind.PerhapsProcesses) ?? throw Refuse("no column holds numbers of processes", _columns, "Name one of them processes"), null);
    }

    private IEnumerable<int> All(ColumnKind kind) => _columns.Index().Where(c => c.Item.Kind == kind).Select(c => c.Index);

    // The same values under two names are no question.
    private int? One(ColumnKind kind)
    {
        int[] found = [.. All(kind)];
        return found.Length > 1 && _table.Rows.Any(row => found.Any(column => row[column] != row[found[0]]))
            ? throw Refuse("two columns hold the same thing", found.Select(i => _columns[i]), "Leave the one that counts")
            : found.Length > 0 ? found[0] : null;
    }

    private void RequireNothingElse()
    {
        foreach ((int index, Column column) in _columns.Index())
        {
            bool isUsed = column.Kind switch
            {
                ColumnKind.Unknown => false,
                ColumnKind.PerhapsProcesses or ColumnKind.ProcessesPerNode => _columns[Processes].Kind == column.Kind,
                ColumnKind.Nodes => Nodes is not null || Divides(index),
                ColumnKind.Batch or ColumnKind.BatchPerProcess => Batch == index && _columns[Measures[0]].NamesBasis,
                _ => true,
            };
            if (!isUsed && _table.Rows.Select(row => row[index]).Distinct(StringComparer.Ordinal).Count() > 1)
            {
                throw column.Kind is ColumnKind.Batch or ColumnKind.BatchPerProcess
                    ? Refuse("the batch size changes, and the table does not say what the times are of", [column, _columns[Measures[0]]], "Name the times step time or epoch time")
                    : Refuse("a column is not understood", [column], "Remove it, or name it so that it is understood");
            }
        }
    }

    // Machines beside processes in all: as many on each.
    private bool Divides(int nodes) =>
        _table.Rows.Select(row => row[Processes]).Distinct().Count() > 1
        && _table.Rows.All(row => int.TryParse(row[nodes], out int n) && int.TryParse(row[Processes], out int all) && n > 0 && all % n == 0);

    private AnalysisInputException Refuse(string problem, IEnumerable<Column> columns, string remedy)
    {
        string[] names = [.. columns.Select(c => $"'{TableRow.Shown(c.Name)}'")];
        string shown = string.Join(", ", names.Take(MostNamesShown)) + (names.Length > MostNamesShown ? ", ..." : "");
        return new AnalysisInputException(problem, $"{shown}, {(_table.Header ?? _table.Rows[0]).Place}", $"{remedy}; understood are {ColumnName.Known}.");
    }
}
