namespace Convoy.Training.Tuning;

/// <summary>How a trial ended.</summary>
public enum TrialEnd
{
    /// <summary>It used its allowance.</summary>
    Measured,

    /// <summary>It was ended early, because it cannot win.</summary>
    GivenUp,

    /// <summary>It failed.</summary>
    Failed,

    /// <summary>There was no time for it.</summary>
    NotTried,
}
