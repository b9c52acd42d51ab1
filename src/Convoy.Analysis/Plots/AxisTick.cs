namespace Convoy.Analysis.Plots;

/// <summary>A mark on an axis.</summary>
/// <param name="Value">Where it is.</param>
/// <param name="Label">What stands beside it.</param>
public sealed record AxisTick(double Value, string Label);
