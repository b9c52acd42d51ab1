using System.Globalization;
using Convoy.Analysis.Plots;

namespace Convoy.Analysis.Rendering.Charts;

/// <summary>
/// What charts are drawn on: a few shapes, each with its classes in chart.css. All forms of a chart come from the same calls,
/// so that a picture is the drawing on the page. Plotting libraries write SVG without classes, and without anything for a
/// pointer, a keyboard or a screen reader to meet; that is why this is not one of them.
/// </summary>
internal abstract class ChartCanvas
{
    /// <summary>A coordinate to a hundredth of a unit.</summary>
    public static string Number(double value) => (Math.Round(value, 2) + 0.0).ToString("0.##", CultureInfo.InvariantCulture);

    /// <summary>A colour's class.</summary>
    public static string Class(PlotColor color) => color.ToString().ToLowerInvariant();

    public abstract ChartCanvas Line(double x1, double y1, double x2, double y2, string classes);

    public abstract ChartCanvas Rectangle(double x, double y, double width, double height, string classes);

    /// <param name="data">The outline, as SVG's <c>d</c> has it.</param>
    /// <param name="classes">The classes.</param>
    public abstract ChartCanvas Path(string data, string classes);

    /// <param name="x">Where the anchor is.</param>
    /// <param name="y">The base line.</param>
    /// <param name="content">The text.</param>
    /// <param name="classes">The classes; <c>start</c>, <c>middle</c> or <c>end</c> among them says which part of the text lies at <paramref name="x"/>.</param>
    public abstract ChartCanvas Label(double x, double y, string content, string classes);

    /// <summary>What a pointer or the keyboard meets, where there is one: invisible until then, and then shows <paramref name="title"/>.</summary>
    public virtual void TargetCircle(double x, double y, double radius, string title, PlotColor color)
    {
    }

    /// <inheritdoc cref="TargetCircle"/>
    public virtual void TargetRectangle(double x, double y, double width, double height, string title, PlotColor color)
    {
    }

    /// <summary>A marker around a point.</summary>
    /// <param name="shape">The shape.</param>
    /// <param name="x">The point.</param>
    /// <param name="y">The point.</param>
    /// <param name="r">Half its size.</param>
    /// <param name="classes">The classes.</param>
    public ChartCanvas Marker(MarkerShape shape, double x, double y, double r, string classes) => shape switch
    {
        MarkerShape.Circle => Path($"M{Number(x - r)} {Number(y)}a{Number(r)} {Number(r)} 0 1 0 {Number(2 * r)} 0a{Number(r)} {Number(r)} 0 1 0 {Number(-2 * r)} 0z", classes),
        MarkerShape.Square => Path($"M{Number(x - (0.9 * r))} {Number(y - (0.9 * r))}h{Number(1.8 * r)}v{Number(1.8 * r)}h{Number(-1.8 * r)}z", classes),
        MarkerShape.Triangle => Path($"M{Number(x)} {Number(y - (1.2 * r))}L{Number(x + (1.1 * r))} {Number(y + (0.8 * r))}H{Number(x - (1.1 * r))}z", classes),
        MarkerShape.Diamond => Path($"M{Number(x)} {Number(y - (1.25 * r))}L{Number(x + (1.25 * r))} {Number(y)}L{Number(x)} {Number(y + (1.25 * r))}L{Number(x - (1.25 * r))} {Number(y)}z", classes),
        _ => throw new ArgumentOutOfRangeException(nameof(shape), shape, "There is no such marker."),
    };
}
