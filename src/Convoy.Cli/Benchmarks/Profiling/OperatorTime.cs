namespace Convoy.Cli.Benchmarks.Profiling;

/// <summary>What an operator takes of a step in all layers together.</summary>
/// <param name="Operator">The name in libtorch.</param>
/// <param name="SelfSeconds">Its own time, forward and backward, without operators that it calls.</param>
/// <param name="Calls">Calls a step.</param>
internal sealed record OperatorTime(string Operator, double SelfSeconds, double Calls);
