namespace Convoy.Analysis.Bottlenecks;

/// <summary>A number on which a conclusion stands.</summary>
/// <param name="Name">What it is, in words.</param>
/// <param name="Value">The number.</param>
/// <param name="Unit">Its unit: <c>s</c>, <c>share</c>, <c>images</c>, or empty for a count.</param>
public sealed record Evidence(string Name, double Value, string Unit);
