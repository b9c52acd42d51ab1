namespace Convoy.Training.Tuning;

/// <summary>What trials are made on.</summary>
public interface ITrialMachine
{
    /// <summary>Makes a trial of each configuration, as far as there is time.</summary>
    /// <param name="configurations">What to try, in this order as far as possible.</param>
    /// <param name="allowance">How long each may take.</param>
    /// <param name="cancellation">Ends the trials.</param>
    /// <returns>One result for each configuration, in their order.</returns>
    /// <exception cref="OperationCanceledException"><paramref name="cancellation"/> was raised.</exception>
    Task<IReadOnlyList<TrialResult>> TryAsync(IReadOnlyList<TuningConfiguration> configurations, TrialAllowance allowance, CancellationToken cancellation);
}
