namespace Convoy.Analysis.Conclusions;

/// <summary>How much of the time a cause takes.</summary>
public enum Severity
{
    /// <summary>Under 5 %.</summary>
    Minor,

    /// <summary>5 % to 15 %.</summary>
    Notable,

    /// <summary>15 % or more.</summary>
    Major,
}
