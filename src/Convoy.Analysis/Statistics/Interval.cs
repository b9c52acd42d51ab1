namespace Convoy.Analysis.Statistics;

/// <summary>A range of values. Intervals of this library are meant to hold the true value in 95 of 100 cases.</summary>
/// <param name="Low">The lower end.</param>
/// <param name="High">The upper end; at least <paramref name="Low"/>.</param>
public readonly record struct Interval(double Low, double High)
{
    /// <summary>Half the width, as a share of <paramref name="centre"/>.</summary>
    public double RelativeHalfWidth(double centre) => (High - Low) / (2 * centre);

    /// <summary>Whether <paramref name="value"/> lies inside, the ends included.</summary>
    public bool Contains(double value) => value >= Low && value <= High;

    /// <summary>The smallest interval that also holds <paramref name="value"/>.</summary>
    public Interval Including(double value) => new(Math.Min(Low, value), Math.Max(High, value));
}
