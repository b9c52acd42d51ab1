using Convoy.Analysis.Runs;

namespace Convoy.Analysis.Conclusions;

/// <summary>What training costs in a configuration.</summary>
/// <param name="Configuration">The configuration.</param>
/// <param name="Price">Processes x hours x price per process-hour, in the price's currency.</param>
/// <param name="Seconds">The time that is paid for.</param>
public sealed record Cost(Configuration Configuration, double Price, double Seconds);
