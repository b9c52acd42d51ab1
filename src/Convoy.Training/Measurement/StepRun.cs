using System.Text.Json;
using Convoy.Metrics;

namespace Convoy.Training.Measurement;

/// <summary>What one run of a configuration measured.</summary>
/// <param name="Steps">Rank 0's steps without the warm-up.</param>
/// <param name="PeakFlopsPerSecond">The arithmetic of all ranks at the same time, <see cref="ArithmeticPeak"/>.</param>
/// <param name="MemoryPeakBytes">The highest resident set of a rank over its whole life, the largest of the ranks'.</param>
/// <param name="Work">The arithmetic of the network's convolutions, linear and recurrent layers for one sample, a layer each, in the order of the forward pass.</param>
/// <param name="Profile">Rank 0's layers, longest first; null when they were not recorded.</param>
/// <param name="Operators">Rank 0's operators, longest first; null when they were not recorded.</param>
public sealed record StepRun(
    IReadOnlyList<StepMetrics> Steps, double PeakFlopsPerSecond, long MemoryPeakBytes, IReadOnlyList<LayerWork> Work, IReadOnlyList<ProfileRow>? Profile, IReadOnlyList<OperatorTime>? Operators)
{
    /// <summary>Rounds in which ranks were set beside independent copies; empty where that was not asked for.</summary>
    public IReadOnlyList<CopyRound> Copies { get; init; } = [];

    /// <summary>What computed the passes of rank 0's convolutions; empty where no kernels were chosen.</summary>
    public IReadOnlyList<LayerKernel> Kernels { get; init; } = [];

    /// <summary>What the choice of kernels had to say, a line each.</summary>
    public IReadOnlyList<string> Notes { get; init; } = [];

    /// <summary>How fast rank 0's core was right before the steps, floating-point operations a second of a small matrix product (<see cref="Torch.Convolution.MachineProbe"/>).</summary>
    public double ProbeBefore { get; init; }

    /// <summary>The same right after the steps.</summary>
    public double ProbeAfter { get; init; }

    private const string Mark = "{\"Steps\":";

    /// <summary>The run as one line of JSON.</summary>
    public string ToLine() => JsonSerializer.Serialize(this);

    /// <summary>Reads a line of <see cref="ToLine"/>; null for any other line, such as one that another writer of the same output cut up.</summary>
    public static StepRun? FromLine(string line)
    {
        ArgumentNullException.ThrowIfNull(line);
        try
        {
            return line.StartsWith(Mark, StringComparison.Ordinal) && JsonSerializer.Deserialize<StepRun>(line) is { Steps: not null, Work: not null, Kernels: not null, Notes: not null, Copies: not null } run ? run : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }
}

/// <summary>What an operator of a layer takes of a step.</summary>
/// <param name="Layer">The layer's name in the network, such as <c>layer1.0.conv1</c>; or, in brackets, where in the step it is.</param>
/// <param name="Operator">The operator's name in libtorch; or, in brackets, what is no operator.</param>
/// <param name="ForwardSeconds">Its time in the forward pass.</param>
/// <param name="BackwardSeconds">The time of its gradient.</param>
public sealed record ProfileRow(string Layer, string Operator, double ForwardSeconds, double BackwardSeconds);

/// <summary>What an operator takes of a step in all layers together.</summary>
/// <param name="Operator">The name in libtorch.</param>
/// <param name="SelfSeconds">Its own time, forward and backward, without operators that it calls.</param>
/// <param name="Calls">Calls a step.</param>
public sealed record OperatorTime(string Operator, double SelfSeconds, double Calls);

/// <summary>The arithmetic of a layer for one sample, in floating-point operations (a multiplication and an addition are two).</summary>
/// <param name="Layer">The layer's name in the network.</param>
/// <param name="ForwardFlops">Forward.</param>
/// <param name="BackwardFlops">Backward: the gradients of the weights and, except in the first layer, of the input, where they are needed; each as much as forward.</param>
public sealed record LayerWork(string Layer, double ForwardFlops, double BackwardFlops);
