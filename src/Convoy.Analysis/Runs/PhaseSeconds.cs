namespace Convoy.Analysis.Runs;

/// <summary>Where the time of one step goes, in seconds; the mean over ranks where every rank's steps were recorded.</summary>
/// <param name="Data">Waiting for the loader.</param>
/// <param name="Forward">Forward pass and loss.</param>
/// <param name="Backward">Backward computation.</param>
/// <param name="Comm">Exchange of gradients that computation did not hide.</param>
/// <param name="Wait">Waiting for the slowest rank.</param>
/// <param name="Optimizer">Clipping and the update, spread over the steps of an update.</param>
/// <param name="Other">What none of these phases covers.</param>
public sealed record PhaseSeconds(double Data, double Forward, double Backward, double Comm, double Wait, double Optimizer, double Other)
{
    /// <summary>Forward and backward together.</summary>
    public double Compute => Forward + Backward;

    /// <summary>All phases together.</summary>
    public double Total => Data + Forward + Backward + Comm + Wait + Optimizer + Other;

    /// <summary>Every phase times <paramref name="factor"/>.</summary>
    public PhaseSeconds Scale(double factor) =>
        new(Data * factor, Forward * factor, Backward * factor, Comm * factor, Wait * factor, Optimizer * factor, Other * factor);

    /// <summary>The mean of each phase.</summary>
    /// <param name="phases">At least one.</param>
    public static PhaseSeconds Mean(IReadOnlyCollection<PhaseSeconds> phases) => new(
        phases.Average(p => p.Data),
        phases.Average(p => p.Forward),
        phases.Average(p => p.Backward),
        phases.Average(p => p.Comm),
        phases.Average(p => p.Wait),
        phases.Average(p => p.Optimizer),
        phases.Average(p => p.Other));
}
