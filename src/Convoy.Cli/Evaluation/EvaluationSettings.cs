using TorchSharp;

namespace Convoy.Cli.Evaluation;

/// <summary>How a network is run for its scores.</summary>
/// <param name="Threads">libtorch's threads.</param>
/// <param name="ChannelsLast">Whether images lie with their channels innermost.</param>
/// <param name="Dtype">The type of weights and features.</param>
internal sealed record EvaluationSettings(int Threads, bool ChannelsLast, torch.ScalarType Dtype = torch.ScalarType.Float32);
