using System.Text.Json.Serialization;
using Convoy.Training.Measurement;

namespace Convoy.Cli.Benchmarks.Steps;

/// <summary>The document of <c>convoy bench step --json</c>.</summary>
/// <param name="Encoder">The lane detector's encoder; null for another model.</param>
/// <param name="ImageSize">WIDTHxHEIGHT of the lane detector's images; null for another model.</param>
/// <param name="Program">The program with the task; null for the lane detector.</param>
/// <param name="SampleNoun">What a sample is called.</param>
/// <param name="BatchSize">Images of a step over all processes.</param>
/// <param name="StepsPerUpdate">Steps of an update.</param>
/// <param name="Repeats">Runs of each configuration; the configurations take turns.</param>
/// <param name="GflopPerImage">Forward and backward arithmetic of the convolutions, linear and recurrent layers, for one image.</param>
/// <param name="Work">The same by layer, for one image.</param>
/// <param name="Results">One for each configuration.</param>
internal sealed record StepReport(
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Encoder,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? ImageSize,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Program,
    [property: JsonIgnore] string SampleNoun,
    int BatchSize,
    int StepsPerUpdate,
    int Repeats,
    double GflopPerImage,
    StepWork Work,
    IReadOnlyList<StepResult> Results);

/// <summary>The arithmetic of a network's convolutions, linear and recurrent layers for one sample; what else it does is not counted.</summary>
/// <param name="Layers">One for each such layer, in the order of the forward pass.</param>
internal sealed record StepWork(IReadOnlyList<LayerWork> Layers)
{
    /// <summary>Floating-point operations of a sample's forward pass.</summary>
    [JsonIgnore]
    public double ForwardFlops => Layers.Sum(layer => layer.ForwardFlops);

    /// <summary>Floating-point operations of a sample's backward pass.</summary>
    [JsonIgnore]
    public double BackwardFlops => Layers.Sum(layer => layer.BackwardFlops);
}
