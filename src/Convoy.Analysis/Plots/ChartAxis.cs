namespace Convoy.Analysis.Plots;

/// <summary>One axis of a chart.</summary>
/// <param name="Title">What is measured along it, with its unit.</param>
/// <param name="Min">Where it begins.</param>
/// <param name="Max">Where it ends; above <paramref name="Min"/>.</param>
/// <param name="Ticks">Its marks, in order, all of them between the ends.</param>
/// <param name="IsLogarithmic">Whether doubling is the same distance everywhere; both ends are above 0 then.</param>
public sealed record ChartAxis(string Title, double Min, double Max, IReadOnlyList<AxisTick> Ticks, bool IsLogarithmic = false)
{
    /// <summary>Where <paramref name="value"/> lies along the axis: 0 at its beginning, 1 at its end. Values beyond the ends lie at the ends.</summary>
    public double Fraction(double value) => Math.Clamp((Scale(value) - Scale(Min)) / (Scale(Max) - Scale(Min)), 0, 1);

    /// <summary>What is linear along the axis: the value, or its binary logarithm.</summary>
    public double Scale(double value) => IsLogarithmic ? Math.Log2(value) : value;
}
