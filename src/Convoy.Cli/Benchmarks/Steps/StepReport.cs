namespace Convoy.Cli.Benchmarks.Steps;

/// <summary>The document of <c>convoy bench step --json</c>.</summary>
/// <param name="Encoder">The network's encoder.</param>
/// <param name="ImageSize">WIDTHxHEIGHT.</param>
/// <param name="BatchSize">Images of a step over all processes.</param>
/// <param name="StepsPerUpdate">Steps of an update.</param>
/// <param name="Repeats">Runs of each configuration; the configurations take turns.</param>
/// <param name="GflopPerImage">Forward and backward arithmetic of the convolutions, for one image.</param>
/// <param name="Work">The same by layer, for one image.</param>
/// <param name="Results">One for each configuration.</param>
internal sealed record StepReport(
    string Encoder, string ImageSize, int BatchSize, int StepsPerUpdate, int Repeats, double GflopPerImage, NetworkWork Work, IReadOnlyList<StepResult> Results);
