namespace Convoy.Analysis.Plots;

/// <summary>A part of a bar.</summary>
/// <param name="Name">What it is.</param>
/// <param name="Color">Its colour.</param>
/// <param name="Value">Its length; 0 or more.</param>
/// <param name="Text">The value in words with its unit.</param>
public sealed record BarSegment(string Name, PlotColor Color, double Value, string Text);
