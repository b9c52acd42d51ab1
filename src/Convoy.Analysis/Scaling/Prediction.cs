using Convoy.Analysis.Statistics;

namespace Convoy.Analysis.Scaling;

/// <summary>A time that was not measured.</summary>
/// <param name="Processes">The number of processes.</param>
/// <param name="Precision">The series' precision.</param>
/// <param name="Seconds">The time of the baseline's work.</param>
/// <param name="Interval">The 95 % interval of a measurement there.</param>
/// <param name="Speedup">Against the series' baseline.</param>
/// <param name="ModelName">The model that was used.</param>
/// <param name="Link">The network that it is for; null for the one that was measured on.</param>
public sealed record Prediction(int Processes, string Precision, double Seconds, Interval Interval, double Speedup, string ModelName, Link? Link);
