using Convoy.Training.Measurement;

namespace Convoy.Cli.Benchmarks.Steps;

/// <summary>Where a step's time goes on rank 0, from a run of its own in which recording costs a little.</summary>
/// <param name="StepSeconds">The mean time of a step in that run.</param>
/// <param name="Layers">Layers and their operators, longest first.</param>
/// <param name="Operators">Operators' own times over all layers, longest first.</param>
internal sealed record StepProfile(double StepSeconds, IReadOnlyList<LayerTime> Layers, IReadOnlyList<OperatorTime> Operators)
{
    /// <summary>The row for what neither an operator nor a layer accounts for.</summary>
    public const string Rest = "(rest of the step)";

    /// <summary>The one row of a layer whose kernels were chosen: some of its passes are operators of libtorch and others are not.</summary>
    public const string ChosenConvolution = "(convolution)";

    /// <summary>Sets a run's profile beside the work.</summary>
    /// <param name="run">The run, with a profile.</param>
    /// <param name="images">Images of a step in one process.</param>
    /// <param name="processes">Processes, which share the peak equally.</param>
    public static StepProfile From(StepRun run, int images, int processes)
    {
        double step = run.Steps.Average(s => s.StepTime ?? 0), peak = run.PeakFlopsPerSecond / processes;
        Dictionary<string, LayerWork> byLayer = run.Work.ToDictionary(layer => layer.Layer);
        IEnumerable<LayerTime> rows = Together(run).Select(row => LayerTime.From(
            row, row.Operator.Contains("conv", StringComparison.Ordinal) ? byLayer.GetValueOrDefault(row.Layer) : null, images, peak));
        double rest = step - run.Profile!.Sum(row => row.ForwardSeconds + row.BackwardSeconds);
        return new StepProfile(step, [.. rows.OrderByDescending(row => row.ForwardSeconds + row.BackwardSeconds), LayerTime.From(new ProfileRow(Rest, string.Empty, rest, 0), null, images, peak)], run.Operators!);
    }
    private static IEnumerable<ProfileRow> Together(StepRun run)
    {
        HashSet<string> chosen = [.. run.Kernels.Select(kernel => kernel.Layer)];
        return run.Profile!
            .Where(row => chosen.Contains(row.Layer))
            .GroupBy(row => row.Layer, (layer, rows) => new ProfileRow(layer, ChosenConvolution, rows.Sum(row => row.ForwardSeconds), rows.Sum(row => row.BackwardSeconds)))
            .Concat(run.Profile!.Where(row => !chosen.Contains(row.Layer)));
    }
}
