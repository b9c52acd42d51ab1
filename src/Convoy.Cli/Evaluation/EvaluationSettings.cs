namespace Convoy.Cli.Evaluation;

/// <summary>How a network is run for its scores.</summary>
/// <param name="Threads">libtorch's threads.</param>
/// <param name="ChannelsLast">Whether images lie with their channels innermost.</param>
internal sealed record EvaluationSettings(int Threads, bool ChannelsLast);
