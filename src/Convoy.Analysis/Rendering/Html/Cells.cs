using Convoy.Analysis.Conclusions;
using Convoy.Analysis.Statistics;

namespace Convoy.Analysis.Rendering.Html;

/// <summary>What stands in tables' cells.</summary>
internal static class Cells
{
    /// <summary>What stands for a value that is not known.</summary>
    public const string Unknown = "\u2013";

    public static string Seconds(double seconds) => seconds >= 10 ? Wording.Text($"{seconds:0.00}") : Wording.Text($"{seconds:0.0000}");

    public static string Range(Interval? interval, Func<double, string> format) => interval is { } i ? $"{format(i.Low)} to {format(i.High)}" : Unknown;

    public static string Number(int value) => Wording.Text($"{value}");

    public static string Number(int? value) => value is { } number ? Number(number) : Unknown;
}
