using Convoy.Metrics;

namespace Convoy.Cli.Benchmarks.Steps;

/// <summary>A step and where its time went, in seconds on rank 0, as <see cref="StepMetrics"/> has it.</summary>
/// <param name="Step">All of it.</param>
/// <param name="Forward">Forward pass and loss.</param>
/// <param name="Backward">Backward computation.</param>
/// <param name="Comm">Exchange of gradients that computation did not hide.</param>
/// <param name="Wait">Waiting for the other ranks.</param>
/// <param name="Optimizer">Clipping, update and zeroing, shared out over the steps of an update.</param>
internal sealed record StepPhases(double Step, double Forward, double Backward, double Comm, double Wait, double Optimizer)
{
    /// <summary>The means over steps.</summary>
    public static StepPhases MeanOf(IReadOnlyCollection<StepMetrics> steps) => new(
        steps.Average(s => s.StepTime ?? 0),
        steps.Average(s => s.ForwardTime ?? 0),
        steps.Average(s => s.BackwardTime ?? 0),
        steps.Average(s => s.CommTime ?? 0),
        steps.Average(s => s.WaitTime ?? 0),
        steps.Average(s => s.OptimizerTime ?? 0));
}
