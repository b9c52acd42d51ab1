namespace Convoy.Analysis.Plots;

/// <summary>Colours and markers by a series' place, so that the same series looks the same in every chart.</summary>
internal static class SeriesLook
{
    private static readonly PlotColor[] Colors = [PlotColor.Blue, PlotColor.Vermillion, PlotColor.Green, PlotColor.Purple, PlotColor.Orange, PlotColor.Sky];
    private static readonly MarkerShape[] Shapes = [MarkerShape.Circle, MarkerShape.Square, MarkerShape.Triangle, MarkerShape.Diamond];

    public static PlotColor Color(int index) => Colors[index % Colors.Length];

    // A colour that comes again comes with another shape.
    public static MarkerShape Shape(int index) => Shapes[(index + (index / Colors.Length)) % Shapes.Length];
}
