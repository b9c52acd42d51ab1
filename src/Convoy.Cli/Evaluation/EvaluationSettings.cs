namespace Convoy.Cli.Evaluation;

/// <summary>How a network is run for its scores.</summary>
/// <param name="Threads">libtorch's threads.</param>
/// <param name="ChannelsLast">Whether images lie with their channels innermost.</param>
/// <param name="LineWidth">The width of a lane in the true masks, in pixels at the network's size; null for the default.</param>
internal sealed record EvaluationSettings(int Threads, bool ChannelsLast, double? LineWidth);
