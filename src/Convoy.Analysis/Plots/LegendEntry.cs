namespace Convoy.Analysis.Plots;

/// <summary>What a colour stands for.</summary>
/// <param name="Name">The name.</param>
/// <param name="Color">The colour.</param>
public sealed record LegendEntry(string Name, PlotColor Color);
