using System.Globalization;
using Convoy.Analysis.Statistics;

namespace Convoy.Analysis.Plots;

/// <summary>The unit of a chart's times: seconds, or milliseconds where all are short.</summary>
/// <param name="Name">The unit's name.</param>
/// <param name="PerSecond">How many of it make a second.</param>
internal sealed record TimeUnit(string Name, double PerSecond)
{
    private const double ShortSeconds = 0.2;

    public static TimeUnit For(double largestSeconds) => largestSeconds < ShortSeconds ? new TimeUnit("ms", 1000) : new TimeUnit("s", 1);

    public double Convert(double seconds) => seconds * PerSecond;

    public Interval? Convert(Interval? seconds) => seconds is { } i ? new Interval(Convert(i.Low), Convert(i.High)) : null;

    /// <summary>The number alone, with four significant digits.</summary>
    public string Number(double seconds) => Digits(Convert(seconds));

    /// <summary>The time with its unit and its interval.</summary>
    public string Text(double seconds, Interval? interval = null) =>
        $"{Number(seconds)} {Name}{(interval is { } i ? $" ({Number(i.Low)} to {Number(i.High)})" : "")}";

    /// <summary>A number of 0 or more with four significant digits, at most two of them behind the point from 100 on.</summary>
    public static string Digits(double value) => value.ToString(value >= 100 ? "0.00" : value >= 10 ? "0.00" : value >= 1 ? "0.000" : "0.0000", CultureInfo.InvariantCulture);
}
