namespace Convoy.Analysis.Plots;

/// <summary>
/// Everything that a chart shows, in words and numbers: what the files, the page's drawing and its table are made from, so
/// that they cannot differ.
/// </summary>
/// <param name="Name">Its file name without ending, such as <c>speedup</c>.</param>
/// <param name="Title">What it shows, in a few words.</param>
/// <param name="Description">What one sees in it: plain sentences.</param>
public abstract record Chart(string Name, string Title, string Description);

/// <summary>
/// The colours of charts, by their names in the style sheet. They are those of M. Okabe and K. Ito, which people with any
/// kind of colour blindness can tell apart.
/// </summary>
public enum PlotColor
{
    /// <summary>The first series; the backward pass.</summary>
    Blue,

    /// <summary>The second series; communication.</summary>
    Vermillion,

    /// <summary>The third series; the optimizer.</summary>
    Green,

    /// <summary>The fourth series; waiting.</summary>
    Purple,

    /// <summary>The fifth series; data.</summary>
    Orange,

    /// <summary>The sixth series; the forward pass.</summary>
    Sky,

    /// <summary>What is there for comparison; other.</summary>
    Gray,
}

/// <summary>Colours and markers by a series' place, so that the same series looks the same in every chart.</summary>
internal static class SeriesLook
{
    private static readonly PlotColor[] Colors = [PlotColor.Blue, PlotColor.Vermillion, PlotColor.Green, PlotColor.Purple, PlotColor.Orange, PlotColor.Sky];
    private static readonly MarkerShape[] Shapes = [MarkerShape.Circle, MarkerShape.Square, MarkerShape.Triangle, MarkerShape.Diamond];

    public static PlotColor Color(int index) => Colors[index % Colors.Length];

    // A colour that comes again comes with another shape.
    public static MarkerShape Shape(int index) => Shapes[(index + (index / Colors.Length)) % Shapes.Length];
}
