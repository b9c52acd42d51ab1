using Convoy.Analysis.Runs;

namespace Convoy.Analysis.Reading.Tables;

/// <summary>A column of a table, as its name tells.</summary>
/// <param name="Name">The name as it stands there.</param>
/// <param name="Kind">What it holds.</param>
internal sealed record Column(string Name, ColumnKind Kind)
{
    /// <summary>Of times and rates: what the time is of.</summary>
    public TimeBasis Basis { get; init; } = TimeBasis.Run;

    /// <summary>Of times and rates: whether the name itself says what the time is of.</summary>
    public bool NamesBasis { get; init; }

    /// <summary>Of times and rates: the unit of time in seconds.</summary>
    public double UnitSeconds { get; init; } = 1;

    /// <summary>Of times and rates: what the name calls a sample; null when it does not.</summary>
    public string? SampleNoun { get; init; }

    /// <summary>Of rates: whether it is that of one process.</summary>
    public bool IsPerProcess { get; init; }
}
