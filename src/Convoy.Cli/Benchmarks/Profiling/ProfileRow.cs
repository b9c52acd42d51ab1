namespace Convoy.Cli.Benchmarks.Profiling;

/// <summary>What an operator of a layer takes of a step.</summary>
/// <param name="Layer">The layer's name in the network, such as <c>layer1.0.conv1</c>; or, in brackets, where in the step it is.</param>
/// <param name="Operator">The operator's name in libtorch; or, in brackets, what is no operator.</param>
/// <param name="ForwardSeconds">Its time in the forward pass.</param>
/// <param name="BackwardSeconds">The time of its gradient.</param>
internal sealed record ProfileRow(string Layer, string Operator, double ForwardSeconds, double BackwardSeconds);
