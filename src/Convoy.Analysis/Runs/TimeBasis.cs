namespace Convoy.Analysis.Runs;

/// <summary>What the seconds of a run are the seconds of.</summary>
public enum TimeBasis
{
    /// <summary>One step: a forward and backward pass over a global batch.</summary>
    Step,

    /// <summary>One whole run, such as an epoch, the same work in every configuration.</summary>
    Run,
}
