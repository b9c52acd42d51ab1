namespace Convoy.Cli.Benchmarks;

/// <summary>The document of <c>convoy bench allreduce --json</c>.</summary>
/// <param name="Processes">How many processes took part.</param>
/// <param name="Dtype">The element type.</param>
/// <param name="UpdateGigabytesPerSecond">
/// What all processes together read and write (both counted) when each passes over memory of its own and changes it in place.
/// </param>
/// <param name="CacheBytes">The processor's largest cache; null where it is not known.</param>
/// <param name="Results">One for each size and kind of memory.</param>
internal sealed record AllReduceReport(int Processes, string Dtype, double UpdateGigabytesPerSecond, long? CacheBytes, IReadOnlyList<AllReduceResult> Results);
