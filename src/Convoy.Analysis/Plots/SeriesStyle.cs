namespace Convoy.Analysis.Plots;

/// <summary>How a series is drawn.</summary>
public enum SeriesStyle
{
    /// <summary>Measured points, joined by a line.</summary>
    Measured,

    /// <summary>A thin line through many points without markers.</summary>
    Trace,

    /// <summary>A dashed line without markers, for comparison.</summary>
    Reference,

    /// <summary>Hollow markers, not joined: not measured.</summary>
    Predicted,
}
