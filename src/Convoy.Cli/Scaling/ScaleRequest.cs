using Convoy.Lanes.Sweeps;

namespace Convoy.Cli.Scaling;

/// <summary>A study that was asked for.</summary>
/// <param name="Study">Where it goes.</param>
/// <param name="Settings">What it measures.</param>
/// <param name="FramesToDraw">Frames to draw as its data; null when the data is there.</param>
internal sealed record ScaleRequest(StudyDirectory Study, SweepSettings Settings, int? FramesToDraw);
